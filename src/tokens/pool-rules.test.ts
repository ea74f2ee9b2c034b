import { toBytes } from '@atcute/cbor'
import { expect, test } from 'vitest'
import { openDesk } from '../../test/tokens/desk.ts'
import { NOON, type Payer, didOf, firstEpoch, payer } from '../../test/tokens/town.ts'
import { nativeCrypto } from '../crypto/native.ts'
import { cidBytes, cidOf } from './encoding.ts'
import type { Grant } from './grants.ts'
import { type Person, witnessBytes } from './pool-rules.ts'
import { APPROVAL, type Transfer, transferId } from './transfer.ts'

const ISSUER = payer('issuer')
const POOL: Grant = { kind: 'karma_reward', amount: 1_000, pool: ISSUER.did }
const to = (name: string, amount: number) => [{ to: didOf(name), amount }]
const kind = 'karma_reward' as const
const EVIDENCE = [
  { uri: `at://${didOf('ben')}/co.kendev.karma.deed/1`, cid: cidOf(nativeCrypto, {}) },
]
const [WEN, XIA, YVO] = [payer('wen'), payer('xia'), payer('yvo')]
const person = (who: Payer, cluster: string): Person => ({
  did: who.did,
  key: who.signer.didKey,
  bucket: 3,
  cluster,
})
const PERSONS = [person(WEN, 'north'), person(XIA, 'south'), person(YVO, 'south')]

test('a pool mints up to its budget; one micro-token more is an overdraft', async () => {
  const desk = await openDesk([POOL])
  await desk.pay(ISSUER, { kind, credits: to('ben', 600) })
  const over = await desk.submit(desk.next(ISSUER, { kind, credits: to('ben', 401) }))
  expect(over).toMatchObject({ reason: 'InsufficientFunds' })
  await desk.pay(ISSUER, { kind, credits: to('ben', 400) })
  expect(desk.supply()).toBe(1_000n)
})

test('a pool spends for its own kind only, and what mints comes from pools only', async () => {
  const desk = await openDesk([POOL, { kind: 'system_grant', amount: 50, to: didOf('ada') }])
  const gift = desk.next(ISSUER, { credits: to('ben', 5) })
  expect(await desk.submit(gift)).toMatchObject({ reason: 'WrongKind' })
  const own = desk.next(payer('ada'), { kind, credits: to('ben', 5) })
  expect(await desk.submit(own)).toMatchObject({ reason: 'NotAPool' })
})

test('caps hold for a transfer, for a receiver over the epoch, and by bucket', async () => {
  const caps = { perTransferCap: 300, perRecipientCap: 400, bucketCaps: [100, 0, 0, 350, 0, 0] }
  const desk = await openDesk([{ ...POOL, ...caps }], {}, PERSONS)
  const ask = (name: string, amount: number) =>
    desk.submit(desk.next(ISSUER, { kind, credits: to(name, amount) }))
  expect(await ask('wen', 301)).toMatchObject({ reason: 'OverTransferCap' })
  expect(await ask('stranger', 101)).toMatchObject({ reason: 'OverRecipientCap' })
  await desk.pay(ISSUER, { kind, credits: to('wen', 300) })
  expect(await ask('wen', 51)).toMatchObject({ reason: 'OverRecipientCap' })
  await desk.pay(ISSUER, { kind, credits: to('wen', 50) })
  expect(desk.store.accounts.get(WEN.did)!.balance).toBe(350n)
  expect(desk.supply()).toBe(1_000n)
})

test('nobody fills up a pool; only the account of fees gets fees, and what is none stays out', async () => {
  const params = { ...firstEpoch([], []).params, feeAccount: ISSUER.did }
  const gift: Grant = { kind: 'system_grant', amount: 90, to: didOf('ada') }
  const ada = payer('ada')
  const desk = await openDesk([POOL, gift], { params })
  const plain = desk.next(ada, { credits: [{ to: ISSUER.did, amount: 5 }] })
  expect(await desk.submit(plain)).toMatchObject({ reason: 'PoolCannotReceive' })
  const stray = { to: didOf('eve'), amount: 5, role: 'fee' }
  const evaded = desk.next(ada, { credits: [...to('ben', 5), stray] })
  expect(await desk.submit(evaded)).toMatchObject({ reason: 'BadSplit' })
  const fee = { to: ISSUER.did, amount: 5, role: 'fee' }
  await desk.pay(ada, { credits: [...to('ben', 5), fee] })
  expect(desk.store.accounts.get(ISSUER.did)!.balance).toBe(1_005n)
  expect(desk.supply()).toBe(1_090n)
})

test('witnesses are two persons of two clusters, who take no part, for this very transfer', async () => {
  const desk = await openDesk([{ ...POOL, witnesses: 2 }], {}, PERSONS)
  const bare = (seq = 1) => ({ ledger: desk.genesis.id, epoch: 0, seq, kind, evidence: EVIDENCE })
  const credits = to('ben', 10)
  const signed = (who: Payer, seq = 1, sum = credits) => ({
    did: who.did,
    signature: toBytes(
      who.signer.sign(
        witnessBytes(nativeCrypto, ISSUER.did, { ...bare(seq), credits: sum }, who.did),
      ),
    ),
  })
  const ask = (more: Partial<Transfer>) =>
    desk.submit(desk.next(ISSUER, { kind, credits, evidence: EVIDENCE, ...more }))
  const good = [signed(WEN), signed(XIA)]
  expect(await ask({})).toMatchObject({ reason: 'WitnessesMissing' })
  expect(await ask({ witnesses: [signed(WEN)] })).toMatchObject({ reason: 'WitnessesMissing' })
  const same = await ask({ witnesses: [signed(XIA), signed(YVO)] })
  expect(same).toMatchObject({ reason: 'WitnessesMissing' })
  const twice = await ask({ witnesses: [signed(WEN), signed(WEN)] })
  expect(twice).toMatchObject({ reason: 'WitnessesMissing' })
  const forged = { ...signed(XIA), did: WEN.did }
  expect(await ask({ witnesses: [forged, signed(XIA)] })).toMatchObject({ reason: 'BadWitness' })
  const stranger = await ask({ witnesses: [signed(WEN), signed(payer('nobody'))] })
  expect(stranger).toMatchObject({ reason: 'BadWitness' })
  const more = await ask({ witnesses: good, credits: to('ben', 11) })
  expect(more).toMatchObject({ reason: 'BadWitness' })
  const own = await ask({ witnesses: good, credits: to('wen', 10) })
  expect(own).toMatchObject({ reason: 'BadWitness' })
  const blind = await desk.submit(desk.next(ISSUER, { kind, credits, witnesses: good }))
  expect(blind).toMatchObject({ reason: 'WitnessesMissing' })
  // Paid once, the same witnessing pays for no second one.
  await desk.pay(ISSUER, { kind, credits, evidence: EVIDENCE, witnesses: good })
  expect(await ask({ witnesses: good })).toMatchObject({ reason: 'BadWitness' })
  expect(await ask({ witnesses: [signed(WEN, 2), signed(XIA, 2)] })).toMatchObject({ ok: true })
  expect(desk.supply()).toBe(1_000n)
})

test('a fund pays when two of three have approved this very transfer', async () => {
  const approvers = [WEN, XIA, YVO].map((who) => ({ did: who.did, key: who.signer.didKey }))
  const fund: Grant = { kind: 'justice_fund', amount: 500, pool: ISSUER.did }
  const desk = await openDesk([{ ...fund, approvers, approvals: 2 }])
  const content = { kind: 'justice_fund', credits: to('ben', 10), createdAt: NOON } as const
  const { transfer } = desk.next(ISSUER, content)
  const id = transferId(nativeCrypto, ISSUER.did, transfer)
  const approve = (who: Payer, over = id) => ({
    $type: APPROVAL as typeof APPROVAL,
    did: who.did,
    signature: toBytes(who.signer.sign(cidBytes(over))),
  })
  const ask = (...signatures: ReturnType<typeof approve>[]) =>
    desk.submit(desk.next(ISSUER, { ...content, signatures }))
  expect(await ask()).toMatchObject({ reason: 'ApprovalsMissing' })
  expect(await ask(approve(WEN), approve(WEN))).toMatchObject({ reason: 'ApprovalsMissing' })
  expect(await ask(approve(WEN), approve(ISSUER))).toMatchObject({ reason: 'BadApproval' })
  const other = approve(XIA, desk.genesis.id)
  expect(await ask(approve(WEN), other)).toMatchObject({ reason: 'BadApproval' })
  expect(await ask(approve(WEN), approve(YVO))).toMatchObject({ ok: true })
})

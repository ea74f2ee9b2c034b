import { expect, test } from 'vitest'
import { type Desk, openDesk } from '../../../test/tokens/desk.ts'
import { NOON, type Payer, didOf, orderOf, payer } from '../../../test/tokens/town.ts'
import { nativeCrypto as crypto } from '../../crypto/native.ts'
import { cidOf } from '../encoding.ts'
import { type Grant, grantedBy } from '../grants.ts'
import type { Person } from '../pool-rules.ts'
import { isRefusal } from '../refusal.ts'
import { openEpoch, settleEpoch } from '../settle.ts'
import { type Transfer, readTransfer } from '../transfer.ts'
import { encodeRecord } from '../encoding.ts'
import { type Endorsed, approve, witness, withApprovals, withWitnesses } from './endorsement.ts'
import { type Reward, draftReward, isDraftOf, karmaReward } from './reward.ts'

const ISSUER = payer('issuer')
const AMY = payer('amy')
const [WEN, XIA, YVO, BEN] = ['wen', 'xia', 'yvo', 'ben'].map(payer) as [Payer, Payer, Payer, Payer]
const person = (who: Payer, cluster: string, bucket = 3): Person => ({
  did: who.did,
  key: who.signer.didKey,
  bucket,
  cluster: didOf(cluster),
})
/** Ben is well vouched for, Zoe hardly at all; Xia and Yvo are of one cluster. */
const PERSONS = [
  person(AMY, 'east'),
  person(WEN, 'north'),
  person(XIA, 'south'),
  person(YVO, 'south'),
  person(BEN, 'west', 4),
  { did: didOf('zoe'), bucket: 1, cluster: didOf('west') },
]
const KARMA: Grant = {
  kind: 'karma_reward',
  amount: 9_000_000,
  pool: ISSUER.did,
  bucketCaps: [0, 1_000_000, 0, 5_000_000, 8_000_000, 0],
  witnesses: 2,
}
/** Ada awards karma to somebody, in a record of hers. */
const awardTo = (name: string, points: number) => ({
  uri: `at://${didOf('ada')}/co.kendev.karma.award/3m6bkl2222222`,
  cid: cidOf(crypto, { name, points }),
  recipient: didOf(name),
  points,
  contribution: 'community_support',
})
const by = (who: Payer) => ({ did: who.did, signer: who.signer, now: NOON })

/** The pool's next transfer for this, and what each of these says as a witness of it. */
function offer(desk: Desk, reward: Reward, witnesses: readonly Payer[]) {
  const { ledger, epoch } = desk.current.committee
  const last = desk.store.accounts.get(ISSUER.did)!
  const draft = draftReward({ ledger, epoch, now: NOON }, last, reward)
  const made = { account: ISSUER.did, transfer: draft }
  const words = witnesses.map((who): Endorsed => ({
    did: who.did,
    endorsement: witness(crypto, made, by(who)),
  }))
  return { draft: made, words }
}
const readOf = (transfer: Transfer) => {
  const read = readTransfer(crypto, ISSUER.did, encodeRecord(transfer))
  if (isRefusal(read)) throw new Error(read.detail)
  return read
}
function whole(found: ReturnType<typeof withWitnesses>): Transfer {
  if (isRefusal(found)) throw new Error(`${found.reason}: ${found.detail}`)
  return found.transfer
}
const signed = (desk: Desk, transfer: Transfer) => orderOf(desk, ISSUER, transfer)
/** Asks for it with the signature of the pool's owner; pays it when it is voted for. */
async function ask(desk: Desk, transfer: Transfer) {
  const order = signed(desk, transfer)
  const answer = await desk.submit(order)
  if (!isRefusal(answer)) await desk.apply(order)
  return answer
}
/** From an award to the answer of the desk. */
const mint = (desk: Desk, name: string, points: number, witnesses = [WEN, XIA]) => {
  const { draft, words } = offer(desk, karmaReward(awardTo(name, points)), witnesses)
  return ask(desk, whole(withWitnesses(crypto, desk.current, draft, words)))
}

/** Whatever happened: there is what was granted, and after the epoch that less what burned. */
async function expectSound(desk: Desk, grants: readonly Grant[]): Promise<void> {
  expect(desk.supply()).toBe(grantedBy(grants))
  const { applied } = await desk.store.everything()
  const transfers = applied.map(({ account, record }) => {
    const read = readTransfer(crypto, account, record)
    if (isRefusal(read)) throw new Error(read.detail)
    return read
  })
  const outcome = settleEpoch(crypto, openEpoch([], grants), grants, transfers)
  if (isRefusal(outcome)) throw new Error(outcome.detail)
  expect(outcome.supply).toBe(grantedBy(grants) - outcome.burned)
  const minted = transfers.reduce((all, { total }) => all + total, 0n)
  expect(outcome.burned).toBe(grantedBy(grants) - minted)
}

test('an award of karma becomes tokens: ten points one token, with two witnesses', async () => {
  const desk = await openDesk([KARMA], {}, PERSONS)
  expect(await mint(desk, 'ben', 50, [XIA, WEN, AMY])).toMatchObject({ ok: true })
  expect(desk.store.accounts.get(BEN.did)!.balance).toBe(5_000_000n)
  const { applied } = await desk.store.everything()
  expect(readOf(readTransferOf(applied[0]!.record)).transfer).toMatchObject({
    kind: 'karma_reward',
    contribution: 'community_support',
    evidence: [{ uri: awardTo('ben', 50).uri, cid: awardTo('ben', 50).cid }],
    witnesses: [{ did: AMY.did }, { did: WEN.did }],
  })
  await expectSound(desk, [KARMA])
})

test('a reward is refused beyond the budget, and beyond what the bucket of its receiver may have', async () => {
  const grants = [{ ...KARMA, amount: 8_000_000 }]
  const desk = await openDesk(grants, {}, PERSONS)
  const CAP = { reason: 'OverRecipientCap' }
  expect(await mint(desk, 'ben', 81)).toMatchObject({ reason: 'InsufficientFunds' })
  expect(await mint(desk, 'stranger', 1)).toMatchObject(CAP)
  expect(await mint(desk, 'zoe', 11)).toMatchObject(CAP)
  expect(await mint(desk, 'zoe', 10)).toMatchObject({ ok: true })
  expect(await mint(desk, 'zoe', 1)).toMatchObject(CAP)
  expect(await mint(desk, 'ben', 50)).toMatchObject({ ok: true })
  expect(await mint(desk, 'ben', 30)).toMatchObject({ reason: 'InsufficientFunds' })
  expect(await mint(desk, 'ben', 20)).toMatchObject({ ok: true })
  expect(await mint(desk, 'ben', 1)).toMatchObject({ reason: 'InsufficientFunds' })
  await expectSound(desk, grants)
})

test('no reward is made of words that are too few, forged, or of one cluster', async () => {
  const desk = await openDesk([KARMA], {}, PERSONS)
  const reward = karmaReward(awardTo('ben', 10))
  const { draft, words } = offer(desk, reward, [WEN, XIA, YVO, BEN, payer('nobody')])
  const [wen, xia, yvo, ben, nobody] = words as [Endorsed, Endorsed, Endorsed, Endorsed, Endorsed]
  const make = (...some: Endorsed[]) => withWitnesses(crypto, desk.current, draft, some)
  const few = { reason: 'WitnessesMissing', detail: '1 of 2' }
  expect(make()).toMatchObject({ reason: 'WitnessesMissing', detail: '0 of 2' })
  expect(make(wen)).toMatchObject(few)
  expect(make(wen, wen)).toMatchObject(few)
  expect(make(xia, yvo)).toMatchObject(few)
  // Who gets it, who is in no snapshot, and a word passed off as somebody else's.
  for (const stray of [ben, nobody, { ...wen, did: XIA.did }]) {
    expect(make(wen, stray)).toMatchObject(few)
  }
  const change = (more: object): Endorsed => ({
    ...xia,
    endorsement: { ...xia.endorsement, ...more },
  })
  expect(make(wen, change({ signature: wen.endorsement.signature }))).toMatchObject(few)
  expect(make(wen, change({ role: 'approver' }))).toMatchObject(few)
  const other = offer(desk, karmaReward(awardTo('ben', 11)), [XIA]).words
  expect(make(wen, ...other)).toMatchObject(few)
  // Words that do not fit are in nobody's way.
  const made = whole(make(nobody, ben, change({ role: 'approver' }), yvo, xia, wen))
  expect(made.witnesses!.map(({ did }) => did)).toEqual([WEN.did, XIA.did])
  const dropped = whole(make(change({ role: 'approver' }), yvo, wen))
  expect(dropped.witnesses!.map(({ did }) => did)).toEqual([WEN.did, YVO.did])
  // The desk takes no short cut either.
  expect(await ask(desk, draft.transfer)).toMatchObject({ reason: 'WitnessesMissing' })
  expect(await ask(desk, made)).toMatchObject({ ok: true })
  await expectSound(desk, [KARMA])
})

test('what was witnessed pays once: not again, not in the next epoch, and not out of another pool', async () => {
  const second = payer('second')
  const grants = [KARMA, { ...KARMA, pool: second.did }]
  const desk = await openDesk(grants, {}, PERSONS)
  const { draft, words } = offer(desk, karmaReward(awardTo('ben', 10)), [WEN, XIA])
  const made = whole(withWitnesses(crypto, desk.current, draft, words))
  const elsewhere = orderOf(desk, second, made)
  expect(await desk.submit(elsewhere)).toMatchObject({ reason: 'BadWitness' })
  const again = { account: second.did, transfer: draft.transfer }
  expect(withWitnesses(crypto, desk.current, again, words)).toMatchObject({ detail: '0 of 2' })
  expect(await ask(desk, made)).toMatchObject({ ok: true })
  const next = offer(desk, karmaReward(awardTo('ben', 10)), []).draft
  expect(withWitnesses(crypto, desk.current, next, words)).toMatchObject({ detail: '0 of 2' })
  const late = { account: ISSUER.did, transfer: { ...draft.transfer, epoch: 1 } }
  expect(withWitnesses(crypto, desk.current, late, words)).toMatchObject({ detail: '0 of 2' })
  await expectSound(desk, grants)
})

test('recognition is matched out of its pool, capped for each receiver, and is no reward', async () => {
  const thanks: Grant = {
    kind: 'peer_recognition',
    amount: 1_000,
    pool: ISSUER.did,
    perTransferCap: 400,
    perRecipientCap: 500,
  }
  const gift: Grant = { kind: 'system_grant', amount: 50, to: didOf('ada') }
  const desk = await openDesk([thanks, gift], {}, PERSONS)
  // Ada gives of her own; the pool adds to it, with her transfer as evidence.
  const given = await desk.pay(payer('ada'), { credits: [{ to: BEN.did, amount: 50 }] })
  const evidence = [{ uri: `at://${didOf('ada')}/co.kendev.tokens.transfer/at.1`, cid: given.id }]
  const match = (amount: number, kind: Reward['kind'] = 'peer_recognition') => {
    const reward = { kind, credits: [{ to: BEN.did, amount }], evidence }
    const { draft } = offer(desk, reward, [])
    return ask(desk, whole(withWitnesses(crypto, desk.current, draft, [])))
  }
  expect(await match(401)).toMatchObject({ reason: 'OverTransferCap' })
  expect(await match(100, 'karma_reward')).toMatchObject({ reason: 'WrongKind' })
  expect(await match(400)).toMatchObject({ ok: true })
  expect(await match(101)).toMatchObject({ reason: 'OverRecipientCap' })
  expect(await match(100)).toMatchObject({ ok: true })
  expect(desk.store.accounts.get(BEN.did)!.balance).toBe(550n)
  expect(desk.supply()).toBe(1_050n)
})

test('the justice fund has one who writes, and pays what two of three have approved', async () => {
  const approvers = [WEN, XIA, YVO].map(({ did, signer }) => ({ did, key: signer.didKey }))
  const fund: Grant = {
    kind: 'justice_fund',
    amount: 900,
    pool: ISSUER.did,
    approvers,
    approvals: 2,
  }
  const desk = await openDesk([fund])
  const reward = { kind: 'justice_fund', credits: [{ to: BEN.did, amount: 10 }] } as const
  const { transfer } = offer(desk, reward, []).draft
  const read = readOf(transfer)
  const word = (who: Payer, of = read): Endorsed => ({
    did: who.did,
    endorsement: approve(of, by(who)),
  })
  const make = (...some: Endorsed[]) => withApprovals(crypto, desk.current, read, some)
  const few = { reason: 'ApprovalsMissing', detail: '1 of 2' }
  expect(make(word(WEN))).toMatchObject(few)
  expect(make(word(WEN), word(WEN))).toMatchObject(few)
  expect(make(word(WEN), word(BEN))).toMatchObject(few)
  expect(make(word(WEN), { ...word(WEN), did: XIA.did })).toMatchObject(few)
  const more = readOf({ ...transfer, credits: [{ to: BEN.did, amount: 11 }] })
  expect(make(word(WEN), word(XIA, more))).toMatchObject(few)
  const asWitness = {
    ...word(XIA),
    endorsement: { ...word(XIA).endorsement, role: 'witness' as const },
  }
  expect(make(word(WEN), asWitness)).toMatchObject(few)
  expect(await ask(desk, transfer)).toMatchObject({ reason: 'ApprovalsMissing' })
  const made = whole(make(word(YVO), word(XIA), word(WEN)))
  expect(made.signatures).toHaveLength(2)
  // Approvals are of one transfer: with another sum they are nobody's.
  const raised = { ...made, credits: [{ to: BEN.did, amount: 11 }] }
  expect(await ask(desk, raised)).toMatchObject({ reason: 'BadApproval' })
  expect(await ask(desk, made)).toMatchObject({ ok: true })
  expect(desk.store.accounts.get(BEN.did)!.balance).toBe(10n)
  await expectSound(desk, [fund])
})

test('a pool that asks for witnesses and approvals has them in this order', async () => {
  const approvers = [{ did: YVO.did, key: YVO.signer.didKey }]
  const strict = { ...KARMA, approvers, approvals: 1 }
  const desk = await openDesk([strict], {}, PERSONS)
  const { draft, words } = offer(desk, karmaReward(awardTo('ben', 10)), [WEN, XIA])
  const early = { did: YVO.did, endorsement: approve(readOf(draft.transfer), by(YVO)) }
  const read = readOf(whole(withWitnesses(crypto, desk.current, draft, words)))
  expect(withApprovals(crypto, desk.current, read, [early])).toMatchObject({ detail: '0 of 1' })
  const word = { did: YVO.did, endorsement: approve(read, by(YVO)) }
  const made = whole(withApprovals(crypto, desk.current, read, [early, word]))
  expect(await ask(desk, made)).toMatchObject({ ok: true })
  await expectSound(desk, [strict])
})

test('a draft is known again by its place and what it is for, whatever was put into it', async () => {
  const desk = await openDesk([KARMA], {}, PERSONS)
  const { draft, words } = offer(desk, karmaReward(awardTo('ben', 10)), [WEN, XIA])
  const { transfer } = draft
  const later = { ...transfer, createdAt: '2026-11-28T13:00:00.000Z' }
  expect(isDraftOf(whole(withWitnesses(crypto, desk.current, draft, words)), later)).toBe(true)
  const { credits, evidence } = karmaReward(awardTo('ben', 11))
  const places = [{ seq: 2 }, { epoch: 1 }, { prev: desk.genesis.id }]
  for (const more of [...places, { credits }, { evidence: evidence! }]) {
    expect(isDraftOf({ ...transfer, ...more }, transfer)).toBe(false)
  }
})

test.each([0, -1, 1.5, Number.NaN])('an award of %d points is a mistake', (points) => {
  expect(() => karmaReward(awardTo('ben', points))).toThrow(RangeError)
})

function readTransferOf(record: Uint8Array): Transfer {
  const read = readTransfer(crypto, ISSUER.did, record)
  if (isRefusal(read)) throw new Error(read.detail)
  return read.transfer
}

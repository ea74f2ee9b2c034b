import { expect, test } from 'vitest'
import { encodeRecord } from '../src/tokens/encoding.ts'
import { verifyProof } from '../src/tokens/light-client.ts'
import { stateRoot } from '../src/tokens/state-root.ts'
import { applyWith, foundTown, lockWith, orderOf, payer } from './tokens/town.ts'

const ADA = payer('ada')
const BEN = payer('ben')
const GIFT = { kind: 'system_grant', amount: 100_000_000, to: ADA.did } as const
const to = (who: { did: string }, amount: number) => [{ to: who.did, amount }]

for (const batched of [false, true]) {
  test(`a transfer is certified, applied and provable offline${batched ? ', in batches' : ''}`, async () => {
    const town = await foundTown(4, [GIFT], { batched })
    const order = orderOf(town, ADA, { credits: to(BEN, 2_500_000) })
    const locked = await lockWith(order, town.members.slice(0, 3))
    const final = await applyWith(order, locked, town.members)
    const roots = town.members.map(({ store }) => stateRoot(town.crypto, store.accounts.values()))
    for (const root of roots) expect(root).toEqual(roots[0])
    expect(town.members[3]!.store.accounts.get(BEN.did)!.balance).toBe(2_500_000n)
    const proof = {
      epochs: [encodeRecord(town.genesis.epoch)],
      account: ADA.did,
      transfer: order.bytes,
      certificate: encodeRecord(final),
    }
    expect(verifyProof(town.crypto, town.genesis.id, proof)).toMatchObject({ status: 'final' })
    const early = { ...proof, certificate: encodeRecord(locked) }
    expect(verifyProof(town.crypto, town.genesis.id, early)).toMatchObject({ status: 'confirmed' })
  })
}

test('of two transfers with one number a validator votes for the first and keeps both', async () => {
  const town = await foundTown(4, [GIFT])
  const [one, two] = [BEN, payer('cleo')].map((who) => orderOf(town, ADA, { credits: to(who, 5) }))
  const [{ validator }] = town.members as [(typeof town.members)[0]]
  const first = await validator.submit(one!)
  expect(await validator.submit(two!)).toMatchObject({ ok: false, reason: 'Equivocation' })
  const again = await validator.submit(one!)
  expect(again).toMatchObject({
    attestation: { observedAt: (first as never)['attestation']['observedAt'] },
  })
})

test('the same transfer signed by another key of the account is the same transfer', async () => {
  const town = await foundTown(4, [GIFT])
  const moved = { ...ADA, signer: payer('another').signer }
  const createdAt = town.now
  const [one, two] = [ADA, moved].map((who) =>
    orderOf(town, who, { credits: to(BEN, 5), createdAt }),
  )
  expect(two!.id).toBe(one!.id)
  expect(two!.bytes).not.toEqual(one!.bytes)
})

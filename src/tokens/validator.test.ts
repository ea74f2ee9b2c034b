import { expect, test } from 'vitest'
import { NOON, attested, foundTown, lockWith, orderOf, payer } from '../../test/tokens/town.ts'
import { assemble, checkCertificate } from './certificate.ts'
import { committeeOf } from './epoch.ts'
import { ImpossibleStep } from './refusal.ts'
import { createValidator } from './validator.ts'

const PEOPLE = Array.from({ length: 40 }, (_, at) =>
  payer(`p${'abcdefghijklmnopqrstuvwxyz'[at % 26]}${at < 26 ? 'a' : 'b'}`),
)
const GRANTS = PEOPLE.map(({ did }) => ({ kind: 'system_grant', amount: 10, to: did }) as const)
const [ADA, BEN, CLEO] = PEOPLE as [(typeof PEOPLE)[0], (typeof PEOPLE)[0], (typeof PEOPLE)[0]]
const to = (who: { did: string }, amount: number) => [{ to: who.did, amount }]
type Parts = Parameters<typeof createValidator>[0]

/** A validator of its own on the parts of a town's first member. */
async function alone(more: Partial<Parts> = {}) {
  const town = await foundTown(1, GRANTS)
  const { did, signer, store } = town.members[0]!
  const current = town.members[0]!.validator.current()
  let signed = 0
  const counting = {
    didKey: signer.didKey,
    sign(bytes: Uint8Array) {
      signed += 1
      return signer.sign(bytes)
    },
  }
  const parts = { did, crypto: town.crypto, signer: counting, store, now: () => NOON, current }
  const validator = createValidator({ ...parts, ...more })
  return { town, store, validator, signatures: () => signed }
}

for (const batched of [false, true]) {
  const how = batched ? ', and signed once' : ''
  test(`orders that come at once are stored together${how}`, async () => {
    const { town, store, validator, signatures } = await alone({ batched })
    let commits = 0
    const commit = store.commit.bind(store)
    store.commit = (changes) => {
      commits += 1
      return commit(changes)
    }
    const orders = PEOPLE.map((who) =>
      orderOf(town, who, { credits: to(who === ADA ? BEN : ADA, 1) }),
    )
    const answers = await Promise.all(orders.map((order) => validator.submit(order)))
    // The first goes at once, and the others have come before it is stored.
    expect(commits).toBe(2)
    expect(signatures()).toBe(batched ? 2 : orders.length)
    for (const answer of answers) {
      const { about, attestation } = attested(answer)
      const found = checkCertificate(
        town.crypto,
        assemble(about, [attestation]),
        committeeOf(town.genesis),
      )
      expect(found).toMatchObject({ ok: true })
    }
  })
}

test('of two orders for one number that come at once one gets the vote', async () => {
  const { town, validator } = await alone()
  const orders = [BEN, CLEO].map((who) => orderOf(town, ADA, { credits: to(who, 1) }))
  const answers = await Promise.all(orders.map((order) => validator.submit(order)))
  expect(answers.map(({ ok }) => ok)).toEqual([true, false])
})

test('what could not be stored was not signed, and may be asked for again', async () => {
  const { town, store, validator, signatures } = await alone()
  const commit = store.commit.bind(store)
  store.commit = () => Promise.reject(new Error('the disk is full'))
  const order = orderOf(town, ADA, { credits: to(BEN, 1) })
  await expect(validator.submit(order)).rejects.toThrow('the disk is full')
  expect(signatures()).toBe(0)
  expect(store.locks.size).toBe(0)
  store.commit = commit
  // Nothing was promised, so another order may have the number.
  const other = orderOf(town, ADA, { credits: to(CLEO, 1) })
  expect(await validator.submit(other)).toMatchObject({ ok: true })
  expect(await validator.submit(order)).toMatchObject({ reason: 'Equivocation' })
})

test('a validator that met the impossible signs nothing more, and says so to everybody', async () => {
  const { town, store, validator, signatures } = await alone()
  const order = orderOf(town, ADA, { credits: to(BEN, 1) })
  const { about, attestation } = attested(await validator.submit(order))
  await validator.apply(order, assemble(about, [attestation]))
  // As more faults than the ledger bears would leave it: another transfer at the same number.
  const applied = [...store.applied.values()][0]!
  store.applied.set(`${ADA.did} 1`, { ...applied, id: town.genesis.id })
  const before = signatures()
  const certificate = assemble(about, [attestation])
  for (let again = 0; again < 4; again += 1) {
    await expect(validator.apply(order, certificate)).rejects.toBeInstanceOf(ImpossibleStep)
    const fresh = orderOf(town, CLEO, { credits: to(BEN, 1) })
    await expect(validator.submit(fresh)).rejects.toBeInstanceOf(ImpossibleStep)
  }
  await validator.turn((current) => Promise.resolve(current))
  expect(signatures()).toBe(before)
})

test('a certificate of too few, or of other signatures, moves nothing', async () => {
  const town = await foundTown(4, GRANTS)
  const order = orderOf(town, ADA, { credits: to(BEN, 1) })
  const good = await lockWith(order, town.members.slice(0, 3))
  const { validator, store } = town.members[3]!
  const few = { ...good, attestations: good.attestations.slice(0, 2) }
  expect(await validator.apply(order, few)).toMatchObject({ reason: 'TooFewSigners' })
  const repeated = { ...few, attestations: [...few.attestations, few.attestations[0]!] }
  expect(await validator.apply(order, repeated)).toMatchObject({ reason: 'DuplicateSigner' })
  const other = orderOf(town, ADA, { credits: to(BEN, 2) })
  expect(await validator.apply(other, good)).toMatchObject({ reason: 'WrongTransfer' })
  expect(store.accounts.get(ADA.did)!.balance).toBe(10n)
  expect(await validator.apply(order, good)).toMatchObject({ ok: true })
  expect(store.accounts.get(ADA.did)!.balance).toBe(9n)
})

test('a turn waits for what is under way, and what comes meanwhile waits for the turn', async () => {
  const { town, validator } = await alone()
  const before = validator.submit(orderOf(town, ADA, { credits: to(BEN, 1) }))
  let meanwhile: ReturnType<typeof validator.submit> | undefined
  await validator.turn(async (current) => {
    expect(await before).toMatchObject({ ok: true })
    meanwhile = validator.submit(orderOf(town, CLEO, { credits: to(BEN, 1) }))
    return { ...current, phase: 'draining' }
  })
  expect(validator.current().phase).toBe('draining')
  expect(await meanwhile).toMatchObject({ reason: 'EpochClosing' })
})

test('a flood of orders does not put off the end of an epoch', async () => {
  const { town, validator } = await alone()
  const order = orderOf(town, ADA, { credits: to(BEN, 1) })
  let isOver = false
  let asked = 0
  const flood = async () => {
    while (!isOver && asked < 20_000) {
      asked += 1
      await validator.submit(order)
    }
  }
  const floods = [flood(), flood(), flood()]
  await validator.turn((current) => Promise.resolve({ ...current, phase: 'sealed' }))
  isOver = true
  await Promise.all(floods)
  expect(asked).toBeLessThan(100)
})

test('a turn that fails leaves the validator as it was', async () => {
  const { town, validator } = await alone()
  const failing = validator.turn(() => Promise.reject(new Error('no')))
  await expect(failing).rejects.toThrow('no')
  expect(validator.current().phase).toBe('open')
  const order = orderOf(town, ADA, { credits: to(BEN, 1) })
  expect(await validator.submit(order)).toMatchObject({ ok: true })
})

import { toBytes } from '@atcute/cbor'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { didOf, firstEpoch } from '../../test/tokens/town.ts'
import { nativeCrypto as crypto } from '../crypto/native.ts'
import type { Account } from './account.ts'
import { encodeRecord } from './encoding.ts'
import type { Epoch } from './epoch.ts'
import { type CertifiedTransfer, foldBalances } from './fold-balances.ts'
import type { Grant } from './grants.ts'
import { isRefusal } from './refusal.ts'
import { openEpoch, settleEpoch } from './settle.ts'
import { stateRoot } from './state-root.ts'
import { type ReadTransfer, TRANSFER, readTransfer } from './transfer.ts'

const LEDGER = 'bafyreifmakho22qjptfycciab2gm6hyl4yeav7b2sp6us2ndotavqn4qgi'
const PEOPLE = ['ada', 'ben', 'cem', 'dee'].map(didOf)
const POOL = didOf('pool')

/** Somebody gives somebody a share of what they have, in thousandths. */
const move = fc.record({
  from: fc.constantFrom(...PEOPLE, POOL),
  to: fc.constantFrom(...PEOPLE),
  share: fc.integer({ min: 1, max: 1_000 }),
})
const history = fc.array(fc.array(move, { maxLength: 12 }), { minLength: 1, maxLength: 4 })
type Move = typeof move extends fc.Arbitrary<infer T> ? T : never

const grants: readonly Grant[] = [
  { kind: 'system_grant', amount: 5_000, to: PEOPLE[0]! },
  { kind: 'karma_reward', amount: 3_000, pool: POOL },
]

/** Epochs with what validators have settled in each, as a quorum would have signed it. */
function made(moves: readonly (readonly Move[])[]) {
  let accounts: ReadonlyMap<string, Account> = new Map()
  let handover: Epoch['handover']
  return moves.map((all, number) => {
    const opening = openEpoch(accounts.values(), grants)
    const sent = all.reduce<ReadTransfer[]>((before, one) => {
      const next = transferOf(opening, before, one, number)
      return next ? [...before, next] : before
    }, [])
    const outcome = settleEpoch(crypto, opening, grants, sent)
    if (isRefusal(outcome)) throw new Error(outcome.detail)
    const epoch = firstEpoch([], grants, { epoch: number, ...(handover && { handover }) })
    handover = { seals: [], ...outcome.roots }
    accounts = outcome.accounts
    return { at: { epoch }, sent, opening, accounts }
  })
}

function transferOf(
  opening: ReadonlyMap<string, Account>,
  before: readonly ReadTransfer[],
  { from, to, share }: Move,
  epoch: number,
): ReadTransfer | undefined {
  const own = before.filter(({ account }) => account === from)
  const [seq, prev] = [own.length + (opening.get(from)?.seq ?? 0) + 1, own.at(-1)?.id]
  const got = before.flatMap(({ transfer }) => transfer.credits.filter((one) => one.to === from))
  const has =
    (opening.get(from)?.balance ?? 0n) -
    own.reduce((sum, { total }) => sum + total, 0n) +
    got.reduce((sum, { amount }) => sum + BigInt(amount), 0n)
  const amount = Number((has * BigInt(share)) / 1_000n)
  if (amount < 1 || from === to) return undefined
  const head = prev ?? opening.get(from)?.head
  const read = readTransfer(
    crypto,
    from,
    encodeRecord({
      $type: TRANSFER,
      ledger: LEDGER,
      epoch,
      seq,
      ...(head !== undefined && { prev: head }),
      kind: 'peer_recognition',
      credits: [{ to, amount }],
      createdAt: '2026-11-28T12:00:00.000Z',
      signatures: [],
    }),
  )
  if (isRefusal(read)) throw new Error(read.detail)
  return read
}

const applied = (read: ReadTransfer): CertifiedTransfer => ({
  read,
  phase: 'apply',
  isWitnessed: false,
})
const root = (accounts: ReadonlyMap<string, Account>) =>
  toBytes(stateRoot(crypto, accounts.values())).$bytes

test('balances are what validators have settled, whatever order certificates come in', () => {
  fc.assert(
    fc.property(history, fc.boolean(), (moves, reversed) => {
      const epochs = made(moves)
      const folds = foldBalances(
        crypto,
        epochs.map(({ at }) => at),
        (number) => {
          const known = epochs[number]!.sent.flatMap((read) => [applied(read), applied(read)])
          return reversed ? known.toReversed() : known
        },
      )
      for (const [n, fold] of folds.slice(0, -1).entries()) {
        expect(fold).toMatchObject({ standing: 'settled', isVerified: true })
        expect(root(fold.accounts)).toBe(root(epochs[n]!.accounts))
      }
      expect(folds.at(-1)!.standing).toBe('open')
      expect(folds.at(-1)!.counted).toHaveLength(epochs.at(-1)!.sent.length)
    }),
  )
})

test('every balance is the sum of its movements, and all of them what was granted and not burned', () => {
  fc.assert(
    fc.property(history, (moves) => {
      const epochs = made(moves)
      const folds = foldBalances(
        crypto,
        epochs.map(({ at }) => at),
        (number) => epochs[number]!.sent.map(applied),
      )
      const sums = new Map<string, bigint>()
      let supply = 0n
      for (const { account, amount, reason } of folds.flatMap(({ postings }) => postings)) {
        sums.set(account, (sums.get(account) ?? 0n) + amount)
        if (reason === 'grant' || reason === 'burn') supply += amount
      }
      for (const [did, { balance }] of folds.at(-1)!.accounts)
        expect([did, sums.get(did) ?? 0n]).toEqual([did, balance])
      expect([...sums.values()].reduce((all, one) => all + one, 0n)).toBe(supply)
    }),
  )
})

const two = () => made([[give(1), give(2)], []])
const give = (n: number): Move => ({ from: PEOPLE[0]!, to: PEOPLE[n]!, share: 100 })
const foldOf = (known: readonly CertifiedTransfer[], epochs = two()) =>
  foldBalances(
    crypto,
    epochs.map(({ at }) => at),
    (number) => (number === 0 ? known : []),
  )[0]!

test('once an epoch has ended, certificates that do not make up its root prove nothing', () => {
  const [first, second] = two()[0]!.sent as [ReadTransfer, ReadTransfer]
  const fold = foldOf([applied(first)])
  expect(fold).toMatchObject({ standing: 'unproven', isVerified: false, counted: [] })
  expect(foldOf([applied(first), applied(second)]).counted).toHaveLength(2)
})

test('what was here before the epoch ended counts, though others are missing', () => {
  const [first] = two()[0]!.sent as [ReadTransfer]
  const fold = foldOf([{ ...applied(first), isWitnessed: true }])
  expect(fold.standing).toBe('unproven')
  expect(fold.counted.map(({ id }) => id)).toEqual([first.id])
})

test('a promise counts when the epoch has settled it, and not before', () => {
  const epochs = two()
  const [first, second] = epochs[0]!.sent as [ReadTransfer, ReadTransfer]
  const promised = { ...applied(second), phase: 'lock' } as const
  expect(foldOf([applied(first), promised]).standing).toBe('settled')
  const open = foldOf([applied(first), promised], epochs.slice(0, 1))
  expect(open.counted.map(({ id }) => id)).toEqual([first.id])
})

test('while an epoch is open, what does not follow on what is here waits', () => {
  const [, second] = two()[0]!.sent as [ReadTransfer, ReadTransfer]
  expect(foldOf([applied(second)], two().slice(0, 1)).counted).toEqual([])
})

test('a certificate that comes after its epoch has ended takes nothing from what that has settled', () => {
  const [first, second] = two()[0]!.sent as [ReadTransfer, ReadTransfer]
  const [forged] = made([[give(3)]])[0]!.sent as [ReadTransfer]
  const known = [applied(forged), applied(first), applied(second)]
  const fold = foldOf(known)
  expect(fold).toMatchObject({ standing: 'settled', isVerified: true })
  expect(fold.counted.map(({ id }) => id)).toEqual([first.id, second.id])
})

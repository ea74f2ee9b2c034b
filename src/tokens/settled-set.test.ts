import { toBytes } from '@atcute/cbor'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NOON, didOf } from '../../test/tokens/town.ts'
import { nativeCrypto as crypto } from '../crypto/native.ts'
import { encodeRecord } from './encoding.ts'
import { isRefusal } from './refusal.ts'
import { placeOf, settledSet } from './settled-set.ts'
import { settledTree } from './state-root.ts'
import { type ReadTransfer, TRANSFER, readTransfer } from './transfer.ts'

const LEDGER = 'bafyreifmakho22qjptfycciab2gm6hyl4yeav7b2sp6us2ndotavqn4qgi'
const [TO, ...PEOPLE] = ['to', 'ada', 'ben', 'cem', 'dee'].map(didOf) as [string, ...string[]]

/** The transfers of an account, one after the other; another `mark` makes others. */
function chain(account: string, length: number, mark = 1, before?: ReadTransfer): ReadTransfer[] {
  const made: ReadTransfer[] = []
  for (let n = 0; n < length; n += 1) {
    const last = made.at(-1) ?? before
    const record = {
      $type: TRANSFER,
      ledger: LEDGER,
      epoch: 0,
      seq: (last?.transfer.seq ?? 0) + 1,
      ...(last && { prev: last.id }),
      kind: 'peer_recognition',
      credits: [{ to: TO, amount: mark }],
      createdAt: NOON,
      signatures: [],
    }
    const read = readTransfer(crypto, account, encodeRecord(record))
    if (isRefusal(read)) throw new Error(read.detail)
    made.push(read)
  }
  return made
}

const handoverOf = (settled: readonly ReadTransfer[]) => ({
  settledRoot: toBytes(settledTree(crypto, settled.map(placeOf)).root),
  settledCount: settled.length,
})
const find = (
  sure: readonly ReadTransfer[],
  others: readonly ReadTransfer[],
  settled: readonly ReadTransfer[],
) => {
  const handover = handoverOf(settled)
  return settledSet(crypto, { opening: new Map(), sure, others, handover })
}
const ids = (transfers: readonly ReadTransfer[] | undefined) =>
  transfers?.map(({ id }) => id).toSorted()

test('of promises just those count that the epoch has settled, whichever they are', () => {
  const lengths = fc.record({
    sure: fc.nat({ max: 2 }),
    more: fc.nat({ max: 2 }),
    void: fc.nat({ max: 2 }),
    forged: fc.boolean(),
  })
  const four = fc.tuple(lengths, lengths, lengths, lengths)
  fc.assert(
    fc.property(four, (accounts) => {
      const [sure, others, settled]: ReadTransfer[][] = [[], [], []]
      for (const [n, one] of accounts.entries()) {
        const all = chain(PEOPLE[n]!, one.sure + one.more + one.void)
        const counts = all.slice(0, one.sure + one.more)
        // What is sure is known by its last transfer; those before it are promises here.
        sure!.push(...all.slice(0, one.sure).slice(-1))
        const fork = one.forged ? chain(PEOPLE[n]!, 2, 7, counts.at(-1)) : []
        others!.push(...fork, ...all.filter((read) => !sure!.includes(read)))
        settled!.push(...counts)
      }
      expect(ids(find(sure!, others!, settled!))).toEqual(ids(settled))
    }),
    { numRuns: 200 },
  )
})

test('a set of which something is missing here is not found', () => {
  const all = chain(PEOPLE[0]!, 3)
  expect(find(all.slice(0, 2), [], all)).toBeUndefined()
  expect(find([], [all[0]!, all[2]!], all)).toBeUndefined()
  expect(find(all, [], all.slice(0, 2))).toBeUndefined()
  expect(ids(find(all, [], all))).toEqual(ids(all))
})

test('a heap of promises that were not settled keeps nobody busy', () => {
  const sure = PEOPLE.flatMap((one) => chain(one, 300))
  const more = PEOPLE.flatMap((one) =>
    chain(
      one,
      20,
      1,
      sure.findLast((x) => x.account === one),
    ),
  )
  const strange = chain(didOf('eve'), 40)
  const hashed = { n: 0 }
  const counting = {
    ...crypto,
    sha256: (bytes: Uint8Array) => {
      hashed.n += 1
      return crypto.sha256(bytes)
    },
  }
  const handover = handoverOf([...sure, ...strange])
  const parts = { opening: new Map(), sure, others: more, handover }
  expect(settledSet(counting, parts)).toBeUndefined()
  expect(hashed.n).toBeLessThan(300_000)
})

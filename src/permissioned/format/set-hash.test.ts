import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SetHash, sameHash } from './set-hash.ts'

const record = fc.record({
  path: fc.string({ maxLength: 60, unit: 'binary' }),
  cid: fc.string({ minLength: 1, maxLength: 60 }),
})
const records = fc.array(record, { maxLength: 12 })

test('a set has one hash in whatever order it came to be', () => {
  fc.assert(
    fc.property(
      records.chain((all) =>
        fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
      ),
      ([all, shuffled]) => {
        expect(hex(hashOf(shuffled))).toBe(hex(hashOf(all)))
      },
    ),
    { numRuns: 60 },
  )
})

test('what is added and removed again has left no trace', () => {
  fc.assert(
    fc.property(records, records, (kept, gone) => {
      const set = hashOf(kept)
      for (const { path, cid } of gone) set.add(path, cid)
      for (const { path, cid } of gone.toReversed()) set.remove(path, cid)
      expect(hex(set)).toBe(hex(hashOf(kept)))
    }),
    { numRuns: 60 },
  )
})

test('writes taken one by one, with stops in between, give the hash of what is there', () => {
  const write = fc.tuple(fc.nat(5), fc.option(fc.stringMatching(/^bafy[a-z2-7]{4}$/)))
  fc.assert(
    fc.property(fc.array(write, { maxLength: 30 }), (writes) => {
      const held = new Map<string, string>()
      let set = new SetHash()
      for (const [key, cid] of writes) {
        const path = `com.example.note/${key}`
        const before = held.get(path)
        if (before !== undefined) set.remove(path, before)
        if (cid !== null) set.add(path, cid)
        if (cid === null) held.delete(path)
        else held.set(path, cid)
        set = new SetHash(set.state())
      }
      expect(hex(set)).toBe(hex(hashOf([...held].map(([path, cid]) => ({ path, cid })))))
    }),
    { numRuns: 60 },
  )
})

test('one more record, or another version of one, is another hash', () => {
  fc.assert(
    fc.property(records, record, (all, more) => {
      expect(hex(hashOf([...all, more]))).not.toBe(hex(hashOf(all)))
    }),
    { numRuns: 60 },
  )
})

test('a state is a copy, and one of another length is no state', () => {
  const set = hashOf([{ path: 'com.example.note/1', cid: 'bafy' }])
  const before = hex(set)
  set.state().fill(0)
  expect(hex(set)).toBe(before)
  expect(() => new SetHash(new Uint8Array(2047))).toThrow(RangeError)
})

test('hashes are the same only when every byte and the length are', () => {
  const bytes = Uint8Array.of(1, 2, 3)
  expect(sameHash(bytes, Uint8Array.of(1, 2, 3))).toBe(true)
  expect(sameHash(bytes, Uint8Array.of(1, 2, 4))).toBe(false)
  expect(sameHash(bytes, Uint8Array.of(1, 2))).toBe(false)
})

function hashOf(all: readonly { path: string; cid: string }[]): SetHash {
  const set = new SetHash()
  for (const { path, cid } of all) set.add(path, cid)
  return set
}

function hex(set: SetHash): string {
  return Buffer.from(set.digest()).toString('hex')
}

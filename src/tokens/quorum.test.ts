import { expect, test } from 'vitest'
import { faultsBorne, quorumOf } from './quorum.ts'

test('two quorums share more validators than may be faulty, and the honest ones make one', () => {
  for (let n = 1; n <= 200; n += 1) {
    const [f, q] = [faultsBorne(n), quorumOf(n)]
    expect(3 * f).toBeLessThan(n)
    expect(2 * q - n).toBeGreaterThan(f)
    expect(q).toBeLessThanOrEqual(n - f)
    // One less would not do.
    expect(2 * (q - 1) - n).toBeLessThanOrEqual(f)
  }
})

test('quorums of small committees', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 10, 13].map(quorumOf)).toEqual([1, 2, 2, 3, 4, 4, 5, 7, 9])
})

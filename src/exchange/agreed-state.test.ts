import { expect, test } from 'vitest'
import { didOf, firstEpoch } from '../../test/tokens/town.ts'
import { agreedState } from './agreed-state.ts'

const ID = 'bafyreifmakho22qjptfycciab2gm6hyl4yeav7b2sp6us2ndotavqn4qgi'
const OTHER = 'bafyreia2kiroaib7idwm6ufjyxipvtfdkvshrvucfqcynp7onrkgb7gvpa'
const validators = [1, 2, 3, 4].map((n) => ({
  did: didOf(`val${n}`),
  key: '',
  endpoint: `http://v${n}`,
}))
const at = { id: ID, epoch: { ...firstEpoch([], []), validators } }
const state = { committee: ID, phase: 'open', seq: 1, head: OTHER, balance: 9 }

/** What is agreed when validators answer this, one after the other. */
const agreed = (...answers: readonly unknown[]) =>
  agreedState(
    async (url) => {
      const answer = answers[Number(new URL(url).hostname.slice(1)) - 1]
      if (answer === undefined) throw new Error('no answer')
      return Response.json(answer)
    },
    at,
    didOf('lp'),
  )

test('an account stands as more validators say than may be faulty', async () => {
  const known = { seq: 1, head: OTHER, balance: 9n }
  expect(await agreed(state, state)).toEqual(known)
  expect(await agreed({ ...state, seq: 2 }, state, { ...state, balance: 8 }, state)).toEqual(known)
  expect(await agreed(state)).toBeUndefined()
  expect(await agreed(state, { ...state, balance: 8 }, { ...state, head: ID })).toBeUndefined()
})

test('what is of another epoch, of one that ends, or no state at all counts for nothing', async () => {
  for (const change of [
    { committee: OTHER },
    { phase: 'draining' },
    { seq: -1 },
    { seq: 0 },
    { balance: '9' },
    { head: undefined },
  ]) {
    const other = { ...state, ...change }
    expect(await agreed(other, other, other, other)).toBeUndefined()
  }
})

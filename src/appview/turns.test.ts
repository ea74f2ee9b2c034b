import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createTurns } from './turns.ts'

test('work of one name waits for its turn, also after work that failed; that of others does not', async () => {
  const inTurn = createTurns()
  const order: string[] = []
  const work = (name: string, ms: number) => async () => {
    order.push(`${name} begins`)
    await wait(ms)
    order.push(`${name} ends`)
    return name
  }
  const failing = inTurn('a', async () => {
    await wait(5)
    throw new Error('no')
  })
  const first = inTurn('a', work('a1', 10))
  const second = inTurn('a', work('a2', 1))
  const other = inTurn('b', work('b', 1))
  await expect(failing).rejects.toThrow('no')
  expect(await Promise.all([first, second, other])).toEqual(['a1', 'a2', 'b'])
  expect(order).toEqual(['b begins', 'b ends', 'a1 begins', 'a1 ends', 'a2 begins', 'a2 ends'])
})

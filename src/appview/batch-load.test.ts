import { expect, test } from 'vitest'
import { batchLoad } from './batch-load.ts'

/** A table that notes which keys were asked for together. */
function table(rows: Record<string, string>) {
  const asked: string[][] = []
  const load = batchLoad(async (keys) => {
    asked.push(keys)
    await new Promise((done) => setTimeout(done, 5))
    if (keys.includes('broken')) throw new Error('no answer')
    return new Map(keys.flatMap((key) => (key in rows ? [[key, rows[key]!]] : [])))
  })
  return { asked, load }
}

test('lookups that come together are one query, each key once', async () => {
  const { asked, load } = table({ a: '1', b: '2' })
  expect(await Promise.all(['a', 'b', 'a', 'c'].map(load))).toEqual(['1', '2', '1', undefined])
  expect(asked).toEqual([['a', 'b', 'c']])
})

test('what is asked for during a query is answered by the next, with what is true then', async () => {
  const rows: Record<string, string> = { a: 'old' }
  const { asked, load } = table(rows)
  const first = load('a')
  await new Promise((done) => setTimeout(done, 2))
  rows['a'] = 'new'
  expect(await Promise.all([first, load('a')])).toEqual(['new', 'new'])
  expect(asked).toEqual([['a'], ['a']])
})

test('a failed query fails those it was for, and no others', async () => {
  const { load } = table({ a: '1' })
  await expect(load('broken')).rejects.toThrow('no answer')
  expect(await load('a')).toBe('1')
})

test('what arrives in the turn an answer arrives in is one query', async () => {
  const { asked, load } = table({ a: '1', b: '2', c: '3' })
  const first = load('a')
  const second = new Promise((done) => setTimeout(() => done(load('b')), 2))
  const third = first.then(() => load('c'))
  expect(await Promise.all([first, second, third])).toEqual(['1', '2', '3'])
  expect(asked).toEqual([['a'], ['b', 'c']])
})

import { expect, test } from 'vitest'
import { keyWordOf, tellKeyWord } from './key-word.ts'

const key = 'did:key:zNew'
const old = { deviceKey: 'did:key:zOld' }
const now = '2026-11-28T12:00:00.000Z'
const till = (hour: number) => ({ deviceKey: key, heldUntil: `2026-11-28T${hour}:00:00.000Z` })

test('a key spends all as soon as a quorum lets it, whatever the others say', () => {
  const free = { deviceKey: key }
  expect(keyWordOf([free, free, till(11), till(23)], key, now, 3)).toEqual({ is: 'free' })
  expect(keyWordOf([free, free, old], key, now, 3)).toEqual({ is: 'unmet', met: 2 })
})

test('it is on hold until the last one of a quorum lets it go', () => {
  const answers = [till(22), till(13), till(15), till(14)]
  expect(keyWordOf(answers, key, now, 3)).toEqual({ is: 'held', until: till(15).heldUntil })
  expect(keyWordOf(answers, key, till(15).heldUntil, 3)).toEqual({ is: 'free' })
})

test('a person reads when and how much', () => {
  expect(tellKeyWord({ is: 'free' }, '10 AT', 72)).toBe('spends all that is there')
  const held = tellKeyWord({ is: 'held', until: now }, '10 AT', 72)
  expect(held).toBe(`new to the account: up to 10 AT an epoch until ${now}`)
  const unmet = tellKeyWord({ is: 'unmet', met: 1 }, '10 AT', 72)
  expect(unmet).toContain('up to 10 AT an epoch for 72 hours from then')
})

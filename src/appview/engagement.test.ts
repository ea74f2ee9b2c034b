import { expect, test } from 'vitest'
import { customerTier, leadScore, memberScore, spaceScore } from './engagement.ts'

const NOW = new Date('2026-11-23T12:00:00Z')
const ago = (days: number) => new Date(NOW.getTime() - days * 86_400_000)
const nothing = { messages: 0, content: 0, events: 0, minutes: 0, lastActive: undefined }

test.each([
  [nothing, 0],
  [{ ...nothing, messages: 7 }, 14],
  [{ ...nothing, messages: 15 }, 30],
  [{ ...nothing, messages: 500 }, 30],
  [{ ...nothing, content: 3 }, 15],
  [{ ...nothing, content: 9 }, 25],
  [{ ...nothing, events: 1 }, 10],
  [{ ...nothing, events: 3 }, 20],
  [{ ...nothing, minutes: 90 }, 2],
  [{ ...nothing, minutes: 6_000 }, 15],
  [{ messages: 99, content: 99, events: 99, minutes: 9_999, lastActive: NOW }, 100],
])('a member who did %o has the score %i', (did, score) => {
  expect(memberScore(did, NOW)).toBe(score)
})

test.each([
  [0.999, 10],
  [1, 5],
  [6.999, 5],
  [7, 0],
])('having been here %d days ago is worth %i', (days, worth) => {
  expect(memberScore({ ...nothing, lastActive: ago(days) }, NOW)).toBe(worth)
})

test.each([
  [{ scores: 120, members: 4, weekly: 1, monthly: 2 }, 40],
  [{ scores: 100, members: 1, weekly: 1, monthly: 1 }, 100],
  [{ scores: 0, members: 10, weekly: 0, monthly: 3 }, 0],
  [{ scores: 50, members: 3, weekly: 1, monthly: 3 }, 25],
  [{ scores: 0, members: 0, weekly: 0, monthly: 0 }, undefined],
  [{ scores: 10, members: 2, weekly: 0, monthly: 0 }, undefined],
])('a space with %o has the score %s', (of, score) => {
  expect(spaceScore(of)).toBe(score)
})

test.each([
  [0, 0, 0],
  [50, 2, 38],
  [100, 10, 100],
  [100, 99, 100],
  [84, 0, 50],
])('engagement %i and %i conversions make a lead score of %i', (engagement, events, score) => {
  expect(leadScore(engagement, events)).toBe(score)
})

test.each([
  [{ netPaid: 100_000, isSubscribed: false, leadScore: 0 }, 'vip'],
  [{ netPaid: 99_999, isSubscribed: false, leadScore: 0 }, 'customer'],
  [{ netPaid: 0, isSubscribed: true, leadScore: 0 }, 'customer'],
  [{ netPaid: 0, isSubscribed: false, leadScore: 50 }, 'lead'],
  [{ netPaid: 0, isSubscribed: false, leadScore: 49 }, 'prospect'],
])('%o is a %s', (of, tier) => {
  expect(customerTier(of)).toBe(tier)
})

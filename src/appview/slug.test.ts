import { expect, test } from 'vitest'
import { isSlug, slugFrom } from './slug.ts'

test.each([
  ['Oil change & tyres', 'oil-change-tyres'],
  ['  Crème brûlée, straße! ', 'creme-brulee-strasse'],
  ['Öl — 5W30', 'ol-5w30'],
  ['修理', '3m6bkl2222222'],
  ['', '3m6bkl2222222'],
])('the title %j gives the slug %s', (title, slug) => {
  expect(slugFrom(title, '3m6bkl2222222')).toBe(slug)
  expect(isSlug(slug)).toBe(true)
})

test('a slug from a long title is still a slug', () => {
  const slug = slugFrom('word '.repeat(1_000), 'k')
  expect(slug.length).toBeLessThanOrEqual(128)
  expect(isSlug(slug)).toBe(true)
})

test.each(['', '-a', 'a-', 'A', 'a b', 'ä', 'a/b', 'a'.repeat(129)])('%j is not a slug', (text) => {
  expect(isSlug(text)).toBe(false)
})

import { expect, test } from 'vitest'
import type { co } from '../lexicons/index.ts'
import { beginning, plainText } from './plain-text.ts'

test('the words of all kinds of blocks are read in their order', () => {
  const text: co.kendev.defs.RichText = [
    { $type: 'co.kendev.defs#heading', text: 'Brakes' },
    { $type: 'co.kendev.defs#divider' },
    { $type: 'co.kendev.defs#list', entries: [{ text: 'Discs' }, { text: 'Pads' }] },
    { $type: 'com.example.blocks#note', text: 'of a kind nobody knows' } as never,
    { $type: 'com.example.blocks#odd', text: 7, entries: [null] } as never,
  ]
  expect(plainText(text)).toBe('Brakes\nDiscs\nPads\nof a kind nobody knows')
  expect(plainText(undefined)).toBe('')
})

test('a text too long for a search index is cut', () => {
  const block = { $type: 'co.kendev.defs#paragraph', text: '🔧'.repeat(5_000) } as const
  const text = plainText(Array.from({ length: 100 }, () => block))
  expect(text.length).toBeLessThanOrEqual(50_000)
  expect(text.isWellFormed()).toBe(true)
})

test('the beginning is counted in what readers see as characters', () => {
  expect(beginning('one\n two  three', 7)).toBe('one two')
  expect(beginning('👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 2)).toBe('👩‍👩‍👧‍👦👩‍👩‍👧‍👦')
  expect(beginning('short', 160)).toBe('short')
  expect(beginning('', 160)).toBe('')
})

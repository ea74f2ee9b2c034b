import { expect, test } from 'vitest'
import { entitiesOf } from './entities.ts'

const named = (text: string) => entitiesOf(text).map(({ kind, text: said }) => `${kind} ${said}`)

test.each([
  ['See https://example.com/a?b=1.', ['url https://example.com/a?b=1']],
  ['Write to ann.lee+x@mail.example.co.uk, ok?', ['email ann.lee+x@mail.example.co.uk']],
  ['Ask @ben.example.com or @eve!', ['handle @ben.example.com', 'handle @eve']],
  ['On 2026-12-03 or 3.12.2026', ['date 2026-12-03', 'date 3.12.2026']],
  ['The 3rd of December 2026', ['date 3rd of December 2026']],
  ['December 3, 2026 at 9:30 am', ['date December 3, 2026', 'time 9:30 am']],
  [
    'next Friday, 14:45, or tomorrow at 3pm',
    ['date next Friday', 'time 14:45', 'date tomorrow', 'time 3pm'],
  ],
  ['Call +44 20 7946 0958 or (555) 123-4567', ['phone +44 20 7946 0958', 'phone (555) 123-4567']],
  ['Order 1234567 of 12 pieces', []],
  ['version 1.2.3 at 25:00', []],
])('%j names %j', (text, expected) => {
  expect(named(text)).toEqual(expected)
})

test.each([
  ['€49.90', { amount: 4_990, currency: 'EUR' }],
  ['1,299.50 USD', { amount: 129_950, currency: 'USD' }],
  ['1.299,5 euros', { amount: 129_950, currency: 'EUR' }],
  ['¥5000', { amount: 5_000, currency: 'JPY' }],
  ['£1,000', { amount: 100_000, currency: 'GBP' }],
  ['20 dollars', { amount: 2_000, currency: 'USD' }],
])('%j is an amount in minor units', (text, money) => {
  expect(entitiesOf(`It is ${text} in all`)).toMatchObject([{ kind: 'money', text, money }])
})

test('places are counted in bytes, as clients count those of links', () => {
  expect(entitiesOf('Grüße 😀 an a@b.de')).toEqual([
    { kind: 'email', text: 'a@b.de', byteStart: 16, byteEnd: 22 },
  ])
})

test('fifty are enough', () => {
  expect(entitiesOf('a@b.de '.repeat(200))).toHaveLength(50)
})

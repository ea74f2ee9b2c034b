import fc from 'fast-check'
import { expect, test } from 'vitest'
import { offlineAnalyzer } from './analyse.ts'
import { ENTITIES_MAX } from './entities.ts'
import { insightOf } from './insight.ts'

const read = (text: string, langs?: string[]) =>
  offlineAnalyzer.analyse({ text, ...(langs && { langs }) })

test.each([
  ['I love this shop, great service!', 'positive'],
  ['This is terrible, I want a refund', 'negative'],
  ['The meeting is at nine.', 'neutral'],
  ['Not good.', 'negative'],
  ["I don't hate it", 'positive'],
  ['The food was good but the service was awful', 'negative'],
  ['No problem 👍', 'positive'],
  ['', 'neutral'],
])('%j sounds %s', (text, sentiment) => {
  expect(read(text).sentiment).toBe(sentiment)
})

test('capitals, exclamation marks and strengthening words say more of the same', () => {
  const scores = ['it is good', 'it is very good', 'it is very GOOD', 'it is very GOOD!!!']
  const found = scores.map((text) => read(text).sentimentScore)
  expect(found).toEqual(found.toSorted((a, b) => a - b))
  expect(new Set(found).size).toBe(found.length)
  expect(read('it is slightly good').sentimentScore).toBeLessThan(found[0]!)
})

test.each([
  ['Hi, can I book an appointment for Friday at 10:30?', 'booking', 'operations', 'consideration'],
  ['How much do you charge for new brakes?', 'price', 'sales', 'consideration'],
  ['I would like to buy two of them, can I pay by card?', 'purchase', 'sales', 'purchase'],
  ['I want my money back, please', 'refund', 'finance', 'retention'],
  ['Where is my order? The tracking number is dead', 'order_status', 'support', 'retention'],
  ['The chair I bought came broken', 'complaint', 'support', 'retention'],
  ['Your hotline is not acceptable', 'complaint', 'support', 'awareness'],
  ['What are your opening hours on Sunday?', 'hours_location', 'support', 'awareness'],
  ['Are you hiring? I can send my CV', 'job', 'operations', 'awareness'],
  ['Good morning', 'greeting', undefined, 'awareness'],
  ['Grass grows.', undefined, undefined, 'awareness'],
])('%j is about %s, for %s, in %s', (text, intent, department, customerJourney) => {
  const found = read(text)
  expect([found.intent, found.department, found.customerJourney]).toEqual([
    intent,
    department,
    customerJourney,
  ])
})

test('what a phrase says is sure, what a word hints at is a suggestion, what is denied is less', () => {
  const sure = (text: string) => insightOf(offlineAnalyzer, { text })
  expect(sure('I want a refund')).toMatchObject({ confidence: 8_000, isSuggestion: false })
  expect(sure('I have a problem')).toMatchObject({ confidence: 3_500, isSuggestion: true })
  expect(sure("I don't want a refund")).toMatchObject({ confidence: 4_000, isSuggestion: true })
  expect(sure('Grass grows.')).toMatchObject({ confidence: 0, isSuggestion: true })
})

test('a booking with a way to reach the person scores more, and is asked for its date', () => {
  expect(read('Can I book a service?')).toMatchObject({
    leadScore: 25,
    suggestedActions: ['offer_times', 'ask_for_date'],
    workflow: 'appointment_booking',
  })
  expect(read('Can I book a service tomorrow? ann@example.com')).toMatchObject({
    leadScore: 35,
    suggestedActions: ['offer_times'],
  })
  expect(read('I hate this, refund me').suggestedActions).toContain('hand_to_person')
})

test('a text that is said to be in another language is only looked through for what it names', () => {
  expect(read('The love problem', ['de'])).toMatchObject({ sentiment: 'neutral', confidence: 0 })
  expect(read('Bitte bis 12.03.2026 an ann@example.com', ['de-AT']).entities).toHaveLength(2)
  expect(read('I love it', ['en-GB']).sentiment).toBe('positive')
})

test('what a person has put right wins, and what follows from it follows', () => {
  const message = { text: 'Grass grows.' }
  expect(
    insightOf(offlineAnalyzer, message, { intent: 'booking', workflow: 'lawn' }),
  ).toMatchObject({
    intent: 'booking',
    department: 'operations',
    customerJourney: 'consideration',
    workflow: 'lawn',
    confidence: 10_000,
    isSuggestion: false,
    correctedFields: ['intent', 'workflow'],
    analyzer: { name: 'angelos-rules', version: '1' },
  })
  const known = insightOf(offlineAnalyzer, message, { intent: 'toString', sentiment: 'negative' })
  expect(known).toMatchObject({ intent: 'toString', sentiment: 'negative', leadScore: 0 })
})

const HOSTILE = [
  '1',
  ' ',
  '@',
  '.',
  '-',
  'a',
  '€',
  'http://',
  ':',
  '(',
  '0',
  ',',
  "don't ",
  '😀',
  '/',
]

test('no text makes it throw, and what it finds is bounded and stands where it says', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 400 }),
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc.array(fc.constantFrom(...HOSTILE), { maxLength: 300 }).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(text, (said) => {
      const { sentimentScore, confidence, leadScore, entities, suggestedActions } = read(said)
      expect(Math.abs(sentimentScore)).toBeLessThanOrEqual(10_000)
      for (const n of [sentimentScore, confidence, leadScore])
        expect(Number.isInteger(n)).toBe(true)
      expect(confidence).toBeGreaterThanOrEqual(0)
      expect(confidence).toBeLessThanOrEqual(10_000)
      expect(leadScore).toBeLessThanOrEqual(100)
      expect(entities.length).toBeLessThanOrEqual(ENTITIES_MAX)
      expect(suggestedActions.length).toBeLessThanOrEqual(10)
      const bytes = Buffer.from(said)
      let end = 0
      for (const { text: named, byteStart, byteEnd } of entities) {
        expect(byteStart).toBeGreaterThanOrEqual(end)
        expect(bytes.subarray(byteStart, byteEnd).toString().slice(0, 256)).toBe(named)
        end = byteEnd
      }
    }),
    { numRuns: 500 },
  )
})

test.each([...HOSTILE, 'a@a.', '1,111', '1 ', 'not ', 'I want to ', '@a.', '12/', 'but ', '£1 '])(
  'a text of %j over and over takes time in its length only',
  (part) => {
    const started = performance.now()
    read(part.repeat(Math.ceil(30_000 / part.length)))
    expect(performance.now() - started).toBeLessThan(500)
  },
)

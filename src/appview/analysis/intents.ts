import type { Token } from './tokens.ts'
import { isNegation } from './valence.ts'

/** What somebody is after. */
export type Intent =
  | 'booking'
  | 'price'
  | 'purchase'
  | 'complaint'
  | 'refund'
  | 'order_status'
  | 'hours_location'
  | 'job'
  | 'greeting'

/** How sure a phrase makes us of an intent, in basis points: it says so, hints at it, or is only a
 *  word that people use then. */
const [SAYS, HINTS, TOUCHES] = [8_000, 6_000, 3_500]
const EACH_FURTHER = 500
const RIVALS_WITHIN = 1_000
const SURE_MAX = 9_500
/** A greeting alone is a message of few words. */
const GREETING_WORDS = 6

type Phrases = readonly [says: string, hints: string, touches: string]

/** The rule table (`domain.md` N-16). Of two that are equally sure the earlier one counts. */
const RULES: Readonly<Record<Intent, Phrases>> = {
  refund: [
    'refund|money back|my money back|chargeback|charge back|reimburse|reimbursement',
    'return it|send it back|return this|return the',
    'credit note',
  ],
  complaint: [
    'complaint|complain|want to complain|not acceptable|unacceptable|rip off|ripped off',
    "does not work|doesn't work|stopped working|not working|is broken|came broken|still broken|" +
      'never again|very disappointed|not happy|terrible service|bad service|wrong item|damaged',
    'broken|disappointed|rude|awful|terrible|horrible|worst|faulty|scratched|problem|issue',
  ],
  order_status: [
    "order status|where is my order|where's my order|track my order|tracking number|" +
      'status of my order|has my order|my parcel|my package|my delivery',
    "not arrived|hasn't arrived|still waiting for|has it shipped|when will it arrive|" +
      'when will my|has been shipped',
    'delivery|shipped|tracking|parcel',
  ],
  booking: [
    'book an appointment|make an appointment|book a|make a reservation|reserve a|book me|' +
      'schedule an appointment|reschedule|change my appointment|move my appointment|' +
      'like to book|want to book|can i book|could i book|make a booking',
    'appointment|booking|reservation|any slots|free slot|do you have time|are you free|' +
      'available on|availability|fit me in|come in on|bring it in',
    'book|reserve|schedule|slot|available',
  ],
  price: [
    'how much|what does it cost|what do you charge|price list|what is the price|' +
      "what's the price|a quote|your prices|your rates|an estimate",
    'price|prices|pricing|cost|costs|quote|rates|discount|cheaper|estimate',
    'fee|fees|budget|expensive|afford|offer|offers|deal',
  ],
  purchase: [
    'want to buy|like to buy|want to order|like to order|can i buy|can i order|can i pay|' +
      "place an order|i'll take it|i will take it|how do i pay|how can i pay|ready to buy",
    'buy|purchase|checkout|check out|pay by|pay with|invoice',
    'order|pay|payment|basket|cart',
  ],
  hours_location: [
    'opening hours|opening times|when are you open|are you open|what time do you|' +
      'when do you open|when do you close|where are you|how do i get to you|your address|' +
      'how do i find you|business hours',
    'open on|open today|open tomorrow|closing time|address|directions|located|location|parking',
    'open|closed|hours|near',
  ],
  job: [
    'job opening|are you hiring|apply for|job application|my cv|my resume|work for you|' +
      'any vacancies|job interview',
    'hiring|vacancy|vacancies|apprenticeship|internship|position as|cover letter',
    'job|jobs|career|careers|salary',
  ],
  greeting: [
    'good morning|good afternoon|good evening|hello|hi|hey there|greetings',
    'hey|good day|howdy',
    'welcome',
  ],
}

type Phrase = {
  readonly words: readonly string[]
  readonly intent: Intent
  readonly strength: number
}

/** Phrases by their first word, so that each place of a text is compared with few of them. */
const BY_FIRST = Map.groupBy(
  Object.entries(RULES).flatMap(([intent, all]) =>
    all.flatMap((phrases, n) =>
      phrases.split('|').map((phrase): Phrase => {
        const strength = [SAYS, HINTS, TOUCHES][n]!
        return { words: phrase.split(' '), intent: intent as Intent, strength }
      }),
    ),
  ),
  ({ words }) => words[0]!,
)

const INTENTS = Object.keys(RULES) as readonly Intent[]

/** What a text is after, and how sure that is in basis points; no intent when no rule speaks. */
export function intentOf(tokens: readonly Token[]): {
  readonly intent: Intent | undefined
  readonly confidence: number
} {
  const said = strengths(tokens)
  if (tokens.length > GREETING_WORDS) said.delete('greeting')
  const rated = INTENTS.filter((intent) => said.has(intent))
    .map((intent) => ({ intent, sure: sureness(said.get(intent)!) }))
    .toSorted((a, b) => b.sure - a.sure)
  const [best, second] = rated
  if (!best) return { intent: undefined, confidence: 0 }
  const isClose = second !== undefined && best.sure - second.sure < RIVALS_WITHIN
  return { intent: best.intent, confidence: best.sure - (isClose ? RIVALS_WITHIN : 0) }
}

/** Of every phrase that stands in the text how strong it is there; the same one counts once. */
function strengths(tokens: readonly Token[]): Map<Intent, Map<Phrase, number>> {
  const said = new Map<Intent, Map<Phrase, number>>()
  for (const [at, { word }] of tokens.entries())
    for (const phrase of BY_FIRST.get(word) ?? []) {
      if (!phrase.words.every((expected, n) => tokens[at + n]?.word === expected)) continue
      const found = said.get(phrase.intent) ?? new Map<Phrase, number>()
      const before = tokens.slice(Math.max(0, at - 3), at)
      const denied = before.some((token) => isNegation(token.word))
      const strength = denied ? phrase.strength / 2 : phrase.strength
      found.set(phrase, Math.max(strength, found.get(phrase) ?? 0))
      said.set(phrase.intent, found)
    }
  return said
}

function sureness(found: ReadonlyMap<Phrase, number>): number {
  const strongest = Math.max(...found.values())
  return Math.min(SURE_MAX, strongest + (found.size - 1) * EACH_FURTHER)
}

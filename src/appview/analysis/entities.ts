import { within } from './tokens.ts'

/** Something a text names. Places are counted in bytes of UTF-8, as in facets. */
export type Entity = {
  readonly kind: EntityKind
  readonly text: string
  readonly byteStart: number
  readonly byteEnd: number
  /** The amount in minor units, where the currency is told. */
  readonly money?: { readonly amount: number; readonly currency: string }
}

export type EntityKind = 'url' | 'email' | 'handle' | 'date' | 'time' | 'money' | 'phone'

/** The most that one text is taken to name. */
export const ENTITIES_MAX = 50
const TEXT_MAX = 256

const MONTHS = `jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|
  sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?`.replaceAll(/\s+/g, '')
const DAYS = '(?:mon|tues|wednes|thurs|fri|satur|sun)day'
const ORDINAL = '[0-3]?\\d(?:st|nd|rd|th)?'
const NUMBER = '\\d{1,12}(?:[,.]\\d{3}){0,3}(?:[.,]\\d{1,2})?(?!\\d)'
const CODES = 'usd|eur|gbp|chf|jpy|cad|aud|euros?|dollars?|bucks|pounds?|francs?|yen'

/** Every repetition has a small bound and begins at a border, so that no text makes one of them go
 *  back and forth. Of two that overlap the earlier in this list is taken. */
const PATTERNS: readonly (readonly [EntityKind, RegExp])[] = [
  ['url', /(?<![\w])https?:\/\/[^\s<>"'`]{1,2000}/giu],
  ['email', /(?<![\w.+-])[\w.+-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,6}/giu],
  ['handle', /(?<![\w@.])@[a-z0-9][a-z0-9-]{0,62}(?:\.[a-z0-9-]{1,63}){0,6}/giu],
  ['date', /(?<![\w.-])\d{4}-[01]\d-[0-3]\d(?!\d)/gu],
  ['date', /(?<![\w./-])[0-3]?\d([./])[01]?\d\1(?:\d{4}|\d{2})(?![\w/])/gu],
  ['date', new RegExp(`(?<!\\w)${ORDINAL} (?:of )?(?:${MONTHS})(?: \\d{4})?(?!\\w)`, 'giu')],
  ['date', new RegExp(`(?<!\\w)(?:${MONTHS}) ${ORDINAL}(?:,? \\d{4})?(?!\\w)`, 'giu')],
  ['date', new RegExp(`(?<!\\w)(?:(?:next|this|last|on) )?${DAYS}(?!\\w)`, 'giu')],
  ['date', /(?<!\w)(?:today|tomorrow|tonight|yesterday|next week|next month)(?!\w)/giu],
  ['time', /(?<![\w:])(?:[01]?\d|2[0-3]):[0-5]\d(?: ?[ap]\.?m\b\.?)?(?![\w:])/giu],
  ['time', /(?<![\w:.])(?:1[0-2]|0?[1-9]) ?[ap]\.?m\b/giu],
  ['time', /(?<!\w)(?:noon|midnight)(?!\w)/giu],
  ['money', new RegExp(`[€$£¥] ?${NUMBER}`, 'giu')],
  ['money', new RegExp(`(?<![\\w.,])${NUMBER} ?(?:[€$£¥]|(?:${CODES})(?!\\w))`, 'giu')],
  ['phone', /(?<![\w.+-])(?:\+|\(?0|\(?[2-9]\d{2}[) -])[\d ()./-]{5,20}\d(?!\w)/gu],
]

/** Marks that end a sentence rather than an address. */
const TRAILING = new Set('.,;:!?)]}-')

/** What a text names, in order, at most fifty. Takes time in the length of the text only. */
export function entitiesOf(text: string): Entity[] {
  const read = within(text)
  const taken = new Uint8Array(read.length)
  const found: { kind: EntityKind; at: number; said: string }[] = []
  for (const [kind, pattern] of PATTERNS)
    for (const match of read.matchAll(pattern)) {
      const said = shortened(kind, match[0])
      if (!fits(kind, said) || taken.subarray(match.index, match.index + said.length).includes(1))
        continue
      taken.fill(1, match.index, match.index + said.length)
      found.push({ kind, at: match.index, said })
    }
  return placed(read, found.toSorted((a, b) => a.at - b.at).slice(0, ENTITIES_MAX))
}

function shortened(kind: EntityKind, said: string): string {
  if (!['url', 'email', 'handle'].includes(kind)) return said
  let end = said.length
  while (TRAILING.has(said[end - 1]!)) end -= 1
  return said.slice(0, end)
}

function fits(kind: EntityKind, said: string): boolean {
  if (said.length === 0) return false
  if (kind === 'date') return !/^0?0\D/.test(said)
  const digits = said.replaceAll(/\D/g, '').length
  return kind !== 'phone' || (digits >= 8 && digits <= 15)
}

function placed(
  text: string,
  found: readonly { kind: EntityKind; at: number; said: string }[],
): Entity[] {
  let [seen, bytes] = [0, 0]
  return found.map(({ kind, at, said }) => {
    bytes += Buffer.byteLength(text.slice(seen, at))
    seen = at
    const byteEnd = bytes + Buffer.byteLength(said)
    const money = kind === 'money' ? amountOf(said) : undefined
    const shown = said.slice(0, TEXT_MAX).toWellFormed()
    return { kind, text: shown, byteStart: bytes, byteEnd, ...(money && { money }) }
  })
}

/** Currencies by the signs and the first letters of the words for them; the dollar's sign is taken
 *  for the American one's. Each with its number of decimals. */
const CURRENCIES: readonly (readonly [RegExp, string, number])[] = [
  [/€|eur/i, 'EUR', 2],
  [/£|gbp|pound/i, 'GBP', 2],
  [/¥|jpy|yen/i, 'JPY', 0],
  [/chf|franc/i, 'CHF', 2],
  [/cad/i, 'CAD', 2],
  [/aud/i, 'AUD', 2],
  [/\$|usd|dollar|bucks/i, 'USD', 2],
]

/** The amount in minor units; undefined for one too large to be exact. A mark with three digits
 *  after it parts thousands, one with fewer is the decimal point. */
function amountOf(said: string): Entity['money'] {
  const known = CURRENCIES.find(([pattern]) => pattern.test(said))
  const number = /[\d.,]+/.exec(said)?.[0]
  if (!known || !number) return undefined
  const [, currency, decimals] = known
  const fraction = /[.,](\d{1,2})$/.exec(number)?.[1] ?? ''
  const whole = number.slice(0, number.length - (fraction ? fraction.length + 1 : 0))
  const digits = whole.replaceAll(/[.,]/g, '')
  const amount = Number(`${digits}${fraction.padEnd(2, '0').slice(0, decimals)}`)
  return Number.isSafeInteger(amount) ? { amount, currency } : undefined
}

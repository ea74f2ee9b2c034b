/** A value in a structured field, with the text that RFC 8941 §4.1 writes it as. */
export type Item =
  | { type: 'string' | 'token' | 'number' | 'boolean' | 'date'; value: string; text: string }
  | { type: 'bytes'; value: Uint8Array; text: string }

/** Parameters behind a value or a list, in their order. */
export type Params = ReadonlyMap<string, Item>

/** A member of a dictionary: a value, or a list of values in parentheses. */
export type Member = { params: Params } & (
  | { item: Item }
  | { list: readonly { item: Item; params: Params }[] }
)

const KEY = /[a-z*][a-z0-9_.*-]*/y
const STRING = /"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"/y
const TOKEN = /[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*/y
const NUMBER = /-?\d{1,15}(?:\.\d{1,3})?(?![\d.])/y
const DATE = /@-?\d{1,15}/y
const BYTES = /:[A-Za-z0-9+/=]*:/y
const BOOLEAN = /\?[01]/y
const COMMA = /[ \t]*,[ \t]*/y
const SPACES = / */y
const TRUE: Item = { type: 'boolean', value: '?1', text: '?1' }

/**
 * Reads a dictionary of structured fields (RFC 8941 §3.2) from its lines; undefined for what is not
 * one, or names a member or a parameter twice, which to a reader of either end is another message.
 */
export function parseDictionary(
  lines: readonly string[],
  limits: { length: number; members: number },
): ReadonlyMap<string, Member> | undefined {
  const text = lines.join(', ')
  if (text.length > limits.length) return undefined
  const members = new Map<string, Member>()
  const cursor = new Cursor(text.replace(/^ +/, '').replace(/ +$/, ''))
  do {
    const key = cursor.take(KEY)
    const member = key !== undefined && memberAt(cursor)
    if (!member || members.has(key) || members.size === limits.members) return undefined
    members.set(key, member)
  } while (cursor.take(COMMA) !== undefined)
  return cursor.isAtEnd ? members : undefined
}

/** A list with its parameters in the only form RFC 8941 §4.1.1.1 writes. */
export function listText(member: Extract<Member, { list: unknown }>): string {
  const items = member.list.map(({ item, params }) => item.text + paramsText(params))
  return `(${items.join(' ')})${paramsText(member.params)}`
}

function paramsText(params: Params): string {
  return [...params]
    .map(([key, { text }]) => (text === TRUE.text ? `;${key}` : `;${key}=${text}`))
    .join('')
}

function memberAt(cursor: Cursor): Member | undefined {
  const isBare = !cursor.skip('=')
  const list = isBare ? undefined : listAt(cursor)
  if (list === null) return undefined
  const item = isBare ? TRUE : list === undefined ? itemAt(cursor) : undefined
  const params = paramsAt(cursor)
  if (params === undefined) return undefined
  if (list !== undefined) return { list, params }
  return item && { item, params }
}

/** A list; undefined when none begins here, null when one begins that is not well formed. */
function listAt(cursor: Cursor): { item: Item; params: Params }[] | undefined | null {
  if (!cursor.skip('(')) return undefined
  const list: { item: Item; params: Params }[] = []
  for (;;) {
    const spaces = cursor.take(SPACES)
    if (cursor.skip(')')) return list
    if (list.length > 0 && spaces === '') return null
    const item = itemAt(cursor)
    const params = item && paramsAt(cursor)
    if (params === undefined || item === undefined) return null
    list.push({ item, params })
  }
}

function paramsAt(cursor: Cursor): Params | undefined {
  const params = new Map<string, Item>()
  while (cursor.skip(';')) {
    cursor.take(SPACES)
    const key = cursor.take(KEY)
    const item = cursor.skip('=') ? itemAt(cursor) : TRUE
    if (key === undefined || item === undefined || params.has(key)) return undefined
    params.set(key, item)
  }
  return params
}

function itemAt(cursor: Cursor): Item | undefined {
  const string = cursor.take(STRING)
  if (string !== undefined) {
    return { type: 'string', value: string.slice(1, -1).replaceAll(/\\(.)/g, '$1'), text: string }
  }
  const bytes = cursor.take(BYTES)
  if (bytes !== undefined) return bytesItem(bytes)
  const number = cursor.take(NUMBER)
  if (number !== undefined) return { type: 'number', value: number, text: numberText(number) }
  for (const [type, pattern] of OTHERS) {
    const text = cursor.take(pattern)
    if (text !== undefined) return { type, value: text, text }
  }
  return undefined
}

const OTHERS = [
  ['token', TOKEN],
  ['boolean', BOOLEAN],
  ['date', DATE],
] as const

/** Bytes have one text, so that nobody can write a signature in a second way. */
function bytesItem(text: string): Item | undefined {
  const value = Buffer.from(text.slice(1, -1), 'base64')
  return text === `:${value.toString('base64')}:` ? { type: 'bytes', value, text } : undefined
}

function numberText(number: string): string {
  const value = Number(number)
  return number.includes('.') && Number.isInteger(value) ? value.toFixed(1) : String(value)
}

/** A place in a text that is read from left to right. */
class Cursor {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length
  }

  /** What a sticky pattern finds here; undefined when it finds nothing. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    this.#at += found?.length ?? 0
    return found
  }

  /** Whether this character is here; then it is passed. */
  skip(char: string): boolean {
    const is = this.#text[this.#at] === char
    if (is) this.#at += 1
    return is
  }
}

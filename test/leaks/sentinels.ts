import { randomBytes } from 'node:crypto'
import { parseCid } from '@atproto/lex'

/** A text nobody would write by chance, and who may ever see it. */
export type Sentinel = {
  readonly text: string
  /** The permissioned space it was written into; empty for what nobody is ever shown. */
  readonly place: string
  /** What it stands for, to be told with a hit. */
  readonly what: string
}

/** Something that was seen somewhere: bytes, and the words under which it was asked for. */
export type Seen = { readonly from: string; readonly bytes: Buffer; readonly asked?: string }

/** A sentinel where it was seen. */
export type Hit = { readonly sentinel: Sentinel; readonly from: string }

const KEY = 8

/** All that was written where not everybody reads it, to be found in what others were given. */
export class Sentinels {
  readonly all: Sentinel[] = []
  readonly #needles = new Map<string, { needle: string; sentinel: Sentinel }[]>()

  /** A new text for readers of that place. */
  make(place: string, what: string): string {
    const text = `zq${randomBytes(11).toString('hex')}`
    this.add({ text, place, what })
    return text
  }

  /** Something that is known by its form already: a CID, a key, a token. */
  add(sentinel: Sentinel): void {
    this.all.push(sentinel)
    for (const needle of new Set(Object.values(writtenAs(sentinel.text)))) {
      const key = needle.slice(0, KEY)
      this.#needles.set(key, [...(this.#needles.get(key) ?? []), { needle, sentinel }])
    }
  }

  /** Says where those stand that were made before their place was known. */
  place(place: string, texts: readonly string[]): void {
    for (const sentinel of this.all)
      if (texts.includes(sentinel.text)) Object.assign(sentinel, { place })
  }

  /** Every sentinel that shows in what was seen, less those that whoever asked has said. */
  hits(seen: readonly Seen[]): Hit[] {
    return seen.flatMap(({ from, bytes, asked }) =>
      [...this.#within(bytes)]
        .filter(({ text }) => !asked?.includes(text))
        .map((sentinel) => ({ sentinel, from })),
    )
  }

  #within(bytes: Buffer): Set<Sentinel> {
    const text = bytes.toString('latin1')
    const found = new Set<Sentinel>()
    for (let at = 0; at + KEY <= text.length; at++) {
      const candidates = this.#needles.get(text.slice(at, at + KEY))
      for (const { needle, sentinel } of candidates ?? [])
        if (text.startsWith(needle, at)) found.add(sentinel)
    }
    return found
  }
}

/** The forms in which a text may stand somewhere, by their names. */
export function writtenAs(text: string): Record<string, string> {
  const bytes = Buffer.from(text)
  const each = (form: (code: number) => string) => [...bytes].map(form).join('')
  const hex = (code: number) => code.toString(16).padStart(2, '0')
  const shifted = [0, 1, 2].map((n) => base64Core(bytes, n))
  return {
    plain: text,
    base64: shifted[0]!,
    'base64 after one byte': shifted[1]!,
    'base64 after two bytes': shifted[2]!,
    'base64url after one byte': urlSafe(shifted[1]!),
    'base64url after two bytes': urlSafe(shifted[2]!),
    hex: bytes.toString('hex'),
    HEX: bytes.toString('hex').toUpperCase(),
    url: each((code) => `%${hex(code).toUpperCase()}`),
    'url in lower case': each((code) => `%${hex(code)}`),
    json: each((code) => `\\u00${hex(code)}`),
    utf16: bytes.toString('latin1').split('').join('\0'),
    ...(text.startsWith('bafy') || text.startsWith('bafk')
      ? { binary: Buffer.from(parseCid(text).bytes).toString('latin1') }
      : {}),
  }
}

/** The characters that stand for these bytes in any base64 text where `n` others come before. */
function base64Core(bytes: Buffer, n: number): string {
  const text = Buffer.concat([Buffer.alloc(n), bytes])
    .toString('base64')
    .replaceAll('=', '')
  const whole = Math.floor(((n + bytes.length) * 8) / 6)
  return text.slice(Math.ceil((n * 8) / 6), whole)
}

function urlSafe(text: string): string {
  return text.replaceAll('+', '-').replaceAll('/', '_')
}

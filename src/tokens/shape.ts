import { isBytesOf } from './encoding.ts'
import { type Refusal, refuse } from './refusal.ts'

/** Says what is wrong with a value at a path, or undefined. Records of the ledger are closed: a
 *  field nobody knows is a fault, because all validators must judge the same. */
export type Check = (value: unknown, at: string) => string | undefined

/** A record or object with these fields and no others. */
export function fields(
  required: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>> = {},
): Check {
  const names = Object.keys(required)
  return (value, at) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return `${at} is no object`
    }
    const given = value as Record<string, unknown>
    for (const name of names) if (given[name] === undefined) return `${at}.${name} is missing`
    for (const name of Object.keys(given)) {
      const check = Object.hasOwn(required, name)
        ? required[name]
        : Object.hasOwn(optional, name)
          ? optional[name]
          : undefined
      if (!check) return `${at}.${name} is not known`
      const fault = check(given[name], `${at}.${name}`)
      if (fault) return fault
    }
    return undefined
  }
}

/** A list of between `min` and `max` entries, each of which passes. */
export function list(check: Check, min: number, max: number): Check {
  return (value, at) => {
    if (!Array.isArray(value)) return `${at} is no list`
    if (value.length < min || value.length > max) {
      return `${at} has ${value.length} entries, not ${min} to ${max}`
    }
    for (const [index, one] of value.entries()) {
      const fault = check(one, `${at}[${index}]`)
      if (fault) return fault
    }
    return undefined
  }
}

/** Text of at most `max` UTF-16 units that matches. */
export function text(max: number, pattern?: RegExp): Check {
  return (value, at) => {
    if (typeof value !== 'string') return `${at} is no text`
    if (value.length > max) return `${at} is longer than ${max}`
    return pattern && !pattern.test(value)
      ? `${at} is not of the form ${pattern.source}`
      : undefined
  }
}

/** An integer between two, both included. */
export function int(min: number, max: number = Number.MAX_SAFE_INTEGER): Check {
  return (value, at) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
      ? undefined
      : `${at} is no integer from ${min} to ${max}`
}

/** One of these texts. */
export function oneOf(...values: readonly string[]): Check {
  return (value, at) =>
    values.includes(value as string) ? undefined : `${at} is none of ${values.join(', ')}`
}

/** Bytes of a length between two. */
export function bytes(min: number, max = min): Check {
  return (value, at) =>
    isBytesOf(value, min, max) ? undefined : `${at} is not ${min} to ${max} bytes`
}

/** A did of a method that accounts have, in its one spelling: a second one of the same document
 *  would be a second receiver with caps of its own. */
export const did = text(
  256,
  /^did:(plc:[a-z2-7]{24}|web:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?:%3A[0-9]{1,5})?)$/,
)

/** A did:key; whether it names a point is found when it is used. */
export const didKey = text(80, /^did:key:z[1-9A-HJ-NP-Za-km-z]+$/)

/** A CID as text: v1, dag-cbor, SHA-256, and no bits behind its end. */
export const cid = text(59, /^bafyrei[a-h][a-z2-7]{50}[aeimquy4]$/)

/** An instant in UTC with milliseconds: one form for one instant, so text order is time order. */
export const instant: Check = (value, at) => form(value, at) ?? isReal(value, at)

const form = text(24, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

function isReal(value: unknown, at: string): string | undefined {
  const time = Date.parse(value as string)
  const is = !Number.isNaN(time) && new Date(time).toISOString() === value
  return is ? undefined : `${at} is no instant there is`
}

/** Refuses a value that does not have the shape. */
export function checkShape(check: Check, value: unknown, name: string): Refusal | undefined {
  const fault = check(value, name)
  return fault === undefined ? undefined : refuse('Malformed', fault)
}

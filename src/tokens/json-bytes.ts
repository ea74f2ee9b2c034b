import { fromBytes, toBytes } from '@atcute/cbor'

/** How deep JSON from outside is looked into. */
const DEPTH_MAX = 16

/** A value from JSON with its bytes as records have them: every object that is only a base64 text
 *  `$bytes` becomes bytes. Throws for what is nested too deep or no base64. */
export function reviveBytes(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth > DEPTH_MAX) throw new RangeError('nested too deep')
  if (Array.isArray(value)) return value.map((one) => reviveBytes(one, depth + 1))
  const entries = Object.entries(value)
  const [only] = entries
  if (entries.length === 1 && only?.[0] === '$bytes' && typeof only[1] === 'string') {
    return toBytes(fromBytes({ $bytes: only[1] }))
  }
  return Object.fromEntries(entries.map(([name, one]) => [name, reviveBytes(one, depth + 1)]))
}

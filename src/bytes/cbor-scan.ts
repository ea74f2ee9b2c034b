/** How deep and how many values one CBOR item may be. */
export type ScanLimits = { depth: number; items: number }

/** Offset after the item, or why it may not be decoded. */
export type Scan = { end: number } | { fault: 'TooDeep' | 'TooMany' | 'Malformed' }

type Head = { major: number; argument: number; next: number }

const BYTES = 2
const TEXT = 3
const LIST = 4
const MAP = 5
const TAG = 6
const MALFORMED: Scan = { fault: 'Malformed' }

/**
 * Walks one CBOR item (RFC 8949, definite lengths only) from `start` without building anything and
 * without recursion, so that no input can exhaust stack or memory before its limits are known.
 * It checks structure, not the order of keys or the text: the decoder does that.
 */
export function scanCbor(bytes: Uint8Array, limits: ScanLimits, start = 0): Scan {
  const outer: number[] = []
  let remaining = 1
  let items = 0
  let at = start
  for (;;) {
    while (remaining === 0) {
      const next = outer.pop()
      if (next === undefined) return { end: at }
      remaining = next
    }
    const head = readHead(bytes, at)
    if (head === undefined) return MALFORMED
    items += 1
    if (items > limits.items) return { fault: 'TooMany' }
    at = head.next
    if (head.major === TAG) continue // the tagged value takes the place of the tag
    remaining -= 1
    if (head.major === BYTES || head.major === TEXT) {
      at += head.argument
      if (at > bytes.length) return MALFORMED
    } else if ((head.major === LIST || head.major === MAP) && head.argument > 0) {
      if (outer.length >= limits.depth) return { fault: 'TooDeep' }
      outer.push(remaining)
      remaining = head.major === MAP ? head.argument * 2 : head.argument
      // A value takes at least a byte: a longer list than there are bytes left is a lie.
      if (remaining > bytes.length - at) return MALFORMED
    }
  }
}

/** The first byte and the argument after it, which simple values and floats do not use. */
function readHead(bytes: Uint8Array, at: number): Head | undefined {
  const first = bytes[at]
  if (first === undefined) return undefined
  const major = first >> 5
  const info = first & 0x1f
  if (info < 24) return { major, argument: info, next: at + 1 }
  if (info > 27) return undefined
  const size = 1 << (info - 24)
  const next = at + 1 + size
  if (next > bytes.length) return undefined
  let argument = 0
  for (let index = at + 1; index < next; index += 1) argument = argument * 256 + (bytes[index] ?? 0)
  return { major, argument, next }
}

/** Bytes of each number of a compact signature. */
const SIZE = 32
const SEQUENCE = 0x30
const INTEGER = 0x02

/**
 * A compact signature (64 bytes r || s) in DER (RFC 3279 §2.2.3), each number in its one shortest
 * form. OpenSSL takes either, but Node makes a detour for the compact one that costs as much as a
 * third of the check.
 */
export function derOf(compact: Uint8Array): Uint8Array {
  const [r, s] = [startOf(compact, 0), startOf(compact, SIZE)]
  const [rLength, sLength] = [lengthOf(compact, r, SIZE), lengthOf(compact, s, 2 * SIZE)]
  const der = new Uint8Array(6 + rLength + sLength)
  der[0] = SEQUENCE
  der[1] = 4 + rLength + sLength
  der[2] = INTEGER
  der[3] = rLength
  der.set(compact.subarray(r, SIZE), 4 + rLength - (SIZE - r))
  der[4 + rLength] = INTEGER
  der[5 + rLength] = sLength
  der.set(compact.subarray(s), 6 + rLength + sLength - (2 * SIZE - s))
  return der
}

/** The compact form of a signature that OpenSSL has made. Throws for what is no such signature. */
export function compactOf(der: Uint8Array): Uint8Array {
  const compact = new Uint8Array(2 * SIZE)
  let at = 2
  for (const end of [SIZE, 2 * SIZE]) {
    const length = der[at + 1] ?? 0
    const number = der.subarray(at + 2, at + 2 + length)
    const digits = number[0] === 0 ? number.subarray(1) : number
    if (der[at] !== INTEGER || number.length !== length || digits.length > SIZE) {
      throw new Error('not a signature of two numbers')
    }
    compact.set(digits, end - digits.length)
    at += 2 + length
  }
  return compact
}

/** Where the digits of a number begin: of zeros before them only the last is one. */
function startOf(compact: Uint8Array, from: number): number {
  let start = from
  while (start < from + SIZE - 1 && compact[start] === 0) start += 1
  return start
}

/** A number whose first bit is set has a byte of zero before it, or it would be negative. */
function lengthOf(compact: Uint8Array, start: number, end: number): number {
  return end - start + (compact[start]! >> 7)
}

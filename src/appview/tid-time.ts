const DIGITS = '234567abcdefghijklmnopqrstuvwxyz'

/** The instant in a TID (atproto.com/specs/tid): 53 bits of microseconds, then a 10-bit clock id. */
export function tidTime(tid: string): Date {
  let bits = 0n
  for (const char of tid) bits = (bits << 5n) | BigInt(DIGITS.indexOf(char))
  return new Date(Number((bits >> 10n) / 1000n))
}

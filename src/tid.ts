import type { Clock } from './clock.ts'

const DIGITS = '234567abcdefghijklmnopqrstuvwxyz'

/** The instant in a TID (atproto.com/specs/tid): 53 bits of microseconds, 10 bits of clock id. */
export function tidTime(tid: string): Date {
  let bits = 0n
  for (const char of tid) bits = (bits << 5n) | BigInt(DIGITS.indexOf(char))
  return new Date(Number((bits >> 10n) / 1000n))
}

/** Makes TIDs of the clock's time, each later than the one before whatever the clock does. */
export function createTids(clock: Clock): () => string {
  const clockId = BigInt(Math.floor(Math.random() * 1024))
  let last = 0n
  return () => {
    const micros = BigInt(clock.now().getTime()) * 1000n
    last = micros > last ? micros : last + 1n
    return encode((last << 10n) | clockId)
  }
}

function encode(bits: bigint): string {
  let tid = ''
  for (let rest = bits; tid.length < 13; rest >>= 5n) tid = DIGITS[Number(rest & 31n)] + tid
  return tid
}

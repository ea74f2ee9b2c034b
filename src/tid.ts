import type { Clock } from './clock.ts'

const DIGITS = '234567abcdefghijklmnopqrstuvwxyz'

/** The instant in a TID (atproto.com/specs/tid): 53 bits of microseconds, 10 bits of clock id. */
export function tidTime(tid: string): Date {
  // The last two characters are the clock id; the first eleven are below 2^53.
  let micros = 0
  for (const char of tid.slice(0, -2)) micros = micros * 32 + DIGITS.indexOf(char)
  return new Date(Math.floor(micros / 1000))
}

/** The first TID of an instant: what was made before is below it, with any clock id. */
export function tidAt(time: Date): string {
  return encode((BigInt(time.getTime()) * 1000n) << 10n)
}

/** The TID a microsecond after another, of the same clock. */
export function laterTid(tid: string): string {
  let bits = 0n
  for (const char of tid) bits = (bits << 5n) | BigInt(DIGITS.indexOf(char))
  return encode(bits + 1024n)
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

const ALPHABET = '234567abcdefghijklmnopqrstuvwxyz'
/** The last two of the thirteen characters tell writers apart, the first eleven are the time. */
const TIME_CHARACTERS = 11

/** The milliseconds since 1970 in a valid TID (https://atproto.com/specs/tid). */
export function timeOfTid(tid: string): number {
  let microseconds = 0
  for (const character of tid.slice(0, TIME_CHARACTERS)) {
    microseconds = microseconds * 32 + ALPHABET.indexOf(character)
  }
  return microseconds / 1000
}

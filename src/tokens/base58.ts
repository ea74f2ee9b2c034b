const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** The bytes that a text in base58 (the alphabet of Bitcoin) stands for; undefined for a letter
 *  that is not in it. Takes quadratic time: bound the text before. */
export function decodeBase58(text: string): Uint8Array | undefined {
  let value = 0n
  for (const letter of text) {
    const digit = ALPHABET.indexOf(letter)
    if (digit < 0) return undefined
    value = value * 58n + BigInt(digit)
  }
  const bytes: number[] = []
  for (; value > 0n; value >>= 8n) bytes.unshift(Number(value & 255n))
  // A leading 1 is a byte of zero.
  for (let at = 0; text[at] === '1'; at += 1) bytes.unshift(0)
  return Uint8Array.from(bytes)
}

/** Bytes as a text in base58. Takes quadratic time, as reading it does. */
export function encodeBase58(bytes: Uint8Array): string {
  let value = bytes.reduce((all, byte) => (all << 8n) | BigInt(byte), 0n)
  let text = ''
  for (; value > 0n; value /= 58n) text = `${ALPHABET[Number(value % 58n)]}${text}`
  const zeros = bytes.findIndex((byte) => byte !== 0)
  return '1'.repeat(zeros === -1 ? bytes.length : zeros) + text
}

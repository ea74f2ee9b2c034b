/** A word or sign of a text. */
export type Token = {
  /** In lower case, with straight apostrophes. */
  readonly word: string
  /** Whether it is written in capitals. */
  readonly loud: boolean
}

/** Far more than people write in a message; what is longer is read as far as this. */
const CHARACTERS_MAX = 10_000

/** Words with letters, numbers and inner apostrophes; and pictographs, with what colours them. Each
 *  character belongs to one branch only, so that a text takes time in its length. */
const TOKEN = /[\p{L}\p{N}]+(?:['’]\p{L}+)*|\p{Extended_Pictographic}\uFE0F?/gu

/** The text as far as it is looked at. */
export function within(text: string): string {
  return text.slice(0, CHARACTERS_MAX)
}

/** The words and signs of a text, in order; those after its first 10,000 characters are left. */
export function tokensOf(text: string): Token[] {
  return Array.from(within(text).matchAll(TOKEN), ([said]) => ({
    word: said.toLowerCase().replaceAll('’', "'"),
    loud: said.length > 1 && said !== said.toLowerCase() && said === said.toUpperCase(),
  }))
}

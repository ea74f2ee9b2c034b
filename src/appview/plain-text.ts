import type { co } from '../lexicons/index.ts'

/** Long enough for every description, short enough for a tsvector, which Postgres keeps below
 *  1 MiB: at most 3 bytes for each UTF-16 unit. */
const UNITS_MAX = 50_000

type Entry = { readonly text?: unknown }
type Block = Entry & { readonly entries?: readonly Entry[]; readonly alt?: unknown }

/** The words of a rich text in their order, one block a line, for search and excerpts. Blocks of
 *  kinds nobody knows are read as far as they carry text. */
export function plainText(blocks: co.kendev.defs.RichText | undefined): string {
  const lines: string[] = []
  let units = 0
  for (const block of (blocks ?? []) as readonly Block[]) {
    for (const text of textsOf(block)) {
      if (units >= UNITS_MAX) return lines.join('\n').slice(0, UNITS_MAX).toWellFormed()
      lines.push(text)
      units += text.length + 1
    }
  }
  return lines.join('\n').slice(0, UNITS_MAX).toWellFormed()
}

function textsOf(block: Block): string[] {
  const entries = Array.isArray(block.entries) ? block.entries : []
  const texts = [block.text, ...entries.map((entry: Entry | null) => entry?.text)]
  return texts.filter((text) => typeof text === 'string' && text !== '') as string[]
}

/** The first characters of a text as a reader counts them, on one line. */
export function beginning(text: string, characters: number): string {
  const line = text
    .slice(0, characters * 50)
    .replaceAll(/\s+/gu, ' ')
    .trim()
  let end = 0
  for (const { index, segment } of new Intl.Segmenter('und').segment(line)) {
    if (characters-- === 0) break
    end = index + segment.length
  }
  return line.slice(0, end).trimEnd()
}

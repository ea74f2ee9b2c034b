import { readFileSync, readdirSync } from 'node:fs'
import type { createServer } from '@atproto/xrpc-server'

type LexiconDoc = NonNullable<Parameters<typeof createServer>[0]>[number]

/** The schemas of the methods as the validators can read them: they do not know references to
 *  spaces (which `spaceOf` checks instead) and types of spaces, so both are left out. */
export function spaceLexicons(): LexiconDoc[] {
  const folder = new URL('../lexicons/', import.meta.url)
  const texts = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'))
  return texts.map(readable).filter(({ defs }) => (defs.main?.type as string) !== 'space')
}

function readable(text: string): LexiconDoc {
  return JSON.parse(text, (key, value: unknown) =>
    key === 'format' && value === 'space-ref' ? undefined : value,
  ) as LexiconDoc
}

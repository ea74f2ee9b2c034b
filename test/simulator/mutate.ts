import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

/** One check of our own source, taken away or made weaker, to see whether that is noticed. */
export type Mutant = {
  id: string
  /** below the root of the tree */
  file: string
  /** occurs exactly once in the file */
  find: string
  replace: string
  /** what would be wrong in the world */
  why: string
}

const ROOT = new URL('../../', import.meta.url).href

/** The list, as it is kept beside this file. */
export function readMutants(): Mutant[] {
  return JSON.parse(readFileSync(new URL('mutants.json', import.meta.url), 'utf8')) as Mutant[]
}

/** The source of a mutant's file with its one change; throws when there is not one place for it. */
export function mutated({ id, file, find, replace }: Mutant): string {
  const text = readFileSync(new URL(file, ROOT), 'utf8')
  const parts = text.split(find)
  if (parts.length !== 2) throw new Error(`${id} fits ${parts.length - 1} places of ${file}`)
  return parts.join(replace)
}

/** From now on a module of ours that is imported with `?mutant=ID` is the mutant's, and so is all
 *  of ours that it imports; nothing is written to disk. */
export function loadMutants(mutants: readonly Mutant[]): void {
  const byId = new Map(mutants.map((mutant) => [mutant.id, mutant]))
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context)
      const query = queryOf(context.parentURL)
      const isOurs = resolved.url.startsWith(ROOT) && !resolved.url.includes('/node_modules/')
      if (query === undefined || !isOurs || resolved.url.includes('?')) return resolved
      return { ...resolved, url: `${resolved.url}?mutant=${query}` }
    },
    load(url, context, next) {
      const loaded = next(url, context)
      const mutant = byId.get(queryOf(url) ?? '')
      if (mutant === undefined) return loaded
      const path = fileURLToPath(url.slice(0, url.indexOf('?')))
      if (path !== fileURLToPath(new URL(mutant.file, ROOT))) return loaded
      return { ...loaded, source: mutated(mutant) }
    },
  })
}

function queryOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : /\?mutant=([\w-]+)$/u.exec(url)?.[1]
}

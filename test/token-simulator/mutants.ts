import { readFileSync } from 'node:fs'
import type { Mutant } from '../simulator/mutate.ts'

/** The checks of the ledger that are taken out one by one, as the list beside this has them. */
export function readMutants(): Mutant[] {
  return JSON.parse(readFileSync(new URL('mutants.json', import.meta.url), 'utf8')) as Mutant[]
}

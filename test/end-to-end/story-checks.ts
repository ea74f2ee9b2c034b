import { CallError } from '../person.ts'

/** Ends the story where it does not go as told. */
export function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`the story is broken: not true that ${what}`)
}

/** Ends it where something is not refused, or with another error. */
export async function refuses(attempt: () => Promise<unknown>, error?: string): Promise<void> {
  const outcome = await attempt().catch((failure: unknown) => failure)
  const refused = outcome instanceof CallError && (error === undefined || outcome.error === error)
  check(refused, `it is refused with ${error ?? 'an error'} (it was: ${String(outcome)})`)
}

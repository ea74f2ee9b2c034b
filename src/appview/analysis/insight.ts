import type { Analysable, Analysis, Analyzer } from './analyse.ts'

/** From here on what is found is taken to be so; below it is a suggestion (`domain.md` N-16). */
const SURE = 5_000

/** What a person has put right; what they leave out stays as it was found. */
export type Correction = {
  readonly sentiment?: string
  readonly intent?: string
  readonly department?: string
  readonly customerJourney?: string
  readonly suggestedActions?: readonly string[]
  readonly workflow?: string
}

/** The fields that a person can put right. */
export const CORRECTABLE = [
  'sentiment',
  'intent',
  'department',
  'customerJourney',
  'suggestedActions',
  'workflow',
] as const

/** What is told of a message: what an analyser finds, and over it what a person has put right. */
export type Insight = Omit<Analysis, (typeof CORRECTABLE)[number]> &
  Correction & {
    readonly analyzer: { readonly name: string; readonly version: string }
    /** Whether it is only a suggestion. */
    readonly isSuggestion: boolean
    readonly correctedFields: readonly string[]
  }

/** Puts an insight together. From an intent that a person has named follows what would follow had
 *  it been found, as far as they do not say otherwise. */
export function insightOf(
  analyzer: Analyzer,
  message: Analysable,
  correction: Correction = {},
): Insight {
  const { intent } = correction
  const found = analyzer.analyse({ ...message, ...(intent !== undefined && { intent }) })
  const correctedFields = CORRECTABLE.filter((name) => correction[name] !== undefined)
  const corrected = Object.fromEntries(correctedFields.map((name) => [name, correction[name]]))
  const { name, version } = analyzer
  return {
    ...found,
    ...corrected,
    analyzer: { name, version },
    isSuggestion: found.confidence < SURE,
    correctedFields,
  }
}

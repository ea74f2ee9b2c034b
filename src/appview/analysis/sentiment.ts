import type { Token } from './tokens.ts'
import { BOOSTERS, VALENCE, isNegation } from './valence.ts'

/** What a text is like to whoever reads it. */
export type Sentiment = 'positive' | 'negative' | 'neutral'

/** From here on a text is not neutral, in basis points (`domain.md` N-16). */
const THRESHOLD = 500
/** Constants of VADER (Hutto and Gilbert 2014). */
const CAPITALS = 0.733
const NEGATED = -0.74
const FADING = [1, 0.95, 0.9]
const EXCLAIMED = 0.292
const ASKED = 0.18
const SQUEEZE = 15
const BEFORE_BUT = 0.5
const AFTER_BUT = 1.5
const SIGN = /\p{Extended_Pictographic}/u

/** How good or bad a text sounds, in basis points from -10000 to 10000. */
export function sentimentScore(tokens: readonly Token[], text: string): number {
  const shouts = tokens.some(({ loud }) => loud) && tokens.some(({ loud }) => !loud)
  const but = tokens.findLastIndex(({ word }) => word === 'but')
  let sum = 0
  for (const at of tokens.keys()) {
    const value = valenceAt(tokens, at, shouts)
    sum += but === -1 ? value : value * (at < but ? BEFORE_BUT : AFTER_BUT)
  }
  if (sum === 0) return 0
  const loudness = sum + Math.sign(sum) * emphasis(text)
  return Math.round((10_000 * loudness) / Math.sqrt(loudness * loudness + SQUEEZE))
}

/** What a score is called. */
export function sentimentOf(score: number): Sentiment {
  if (score >= THRESHOLD) return 'positive'
  return score <= -THRESHOLD ? 'negative' : 'neutral'
}

/** The valence of one word with the three before it taken into account; 0 for one that says
 *  nothing. */
function valenceAt(tokens: readonly Token[], at: number, shouts: boolean): number {
  const tenths = VALENCE.get(tokens[at]!.word)
  if (tenths === undefined) return 0
  const sign = Math.sign(tenths)
  let value = tenths / 10
  if (shouts && tokens[at]!.loud) value += sign * CAPITALS
  // "No problem 👍": what a sign says stands for itself.
  const isSign = SIGN.test(tokens[at]!.word)
  let isTurned = false
  for (const [n, fading] of FADING.entries()) {
    const before = tokens[at - n - 1]
    if (!before) break
    value += (sign * (BOOSTERS.get(before.word) ?? 0) * fading) / 1_000
    isTurned ||= !isSign && isNegation(before.word)
  }
  return isTurned ? value * NEGATED : value
}

function emphasis(text: string): number {
  const marks = (mark: string, most: number) => Math.min(text.split(mark).length - 1, most)
  const asked = marks('?', 4)
  return marks('!', 4) * EXCLAIMED + (asked > 1 ? asked * ASKED : 0)
}

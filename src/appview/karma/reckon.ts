import { ANGEL_SCORE, type Contribution, contributionOf } from './reputation.ts'

/** An award as it is reckoned with: what its record says, and what others say of it. */
export type Award = {
  readonly uri: string
  readonly by: string
  readonly to: string
  readonly type: string
  /** As the awarder has named it; without, what the type stands for. */
  readonly contribution: string | null
  /** Fewer or, by an administrator, more than the type's own, when given. */
  readonly points: number | null
  readonly at: Date
  /** The awarder's role on the node. */
  readonly role: string | null
  /** Since when the awarder's account exists; null while that is not known. */
  readonly since: Date | null
  readonly revoked: boolean
}

/** Why an award does not count. */
export type Fault =
  | 'Revoked'
  | 'UnknownType'
  | 'TooManyPoints'
  | 'AccountAgeUnknown'
  | 'AccountTooYoung'
  | 'NotEntitled'
  | 'AwarderDayFull'
  | 'PairFull'
  | 'RecipientDayFull'

/** What becomes of an award: its points, or why it has none. */
export type Verdict =
  | { readonly points: number; readonly contribution: Contribution }
  | { readonly fault: Fault }

const DAY_MS = 86_400_000
const WEEK_MS = 7 * DAY_MS
const YOUNG_MS = 3 * DAY_MS
const RECIPIENT_POINTS_A_DAY = 200
const AWARDS_A_DAY = 10
const PAIR_AWARDS_A_WEEK = 3
const ADMIN_POINTS = 100

/** What may be recognised, what it is worth, and what kind of contribution it is unless said
 *  (`domain.md` N-10). */
const TYPES: Readonly<Record<string, { points: number; contribution: Contribution }>> = {
  helpful_response: { points: 10, contribution: 'community_support' },
  quality_content: { points: 20, contribution: 'content_creation' },
  technical_excellence: { points: 25, contribution: 'technical_help' },
  community_leadership: { points: 35, contribution: 'mentorship' },
  guardian_angel_action: { points: 50, contribution: 'community_support' },
}

/** What peers may recognise; all else takes a role (`domain.md` AC-13). */
const BY_PEERS = 'helpful_response'
const ADMINS = ['super_admin', 'admin']
const ENTITLED = [...ADMINS, 'editor']

/**
 * What becomes of each award, whatever order they are given in: they are gone through by the time
 * they bear, and by uri where that is the same.
 *
 * A Guardian Angel may recognise everything, and is one by recognition: a circle. Since caps take
 * away, a set of angels who have made each other need not be the only one that fits. So it is cut:
 * the power to award follows from what people with a role on the node, and peers, have given alone.
 * With that power all awards are then gone through once more, and those give the score.
 *
 * An award counts as long as its awarder holds what entitles them: the records of a repo tell what
 * is, not what was, and whoever loses a role takes what they gave with them.
 */
export function reckon(awards: readonly Award[]): ReadonlyMap<string, Verdict> {
  const ordered = awards.toSorted(inTime)
  const powers = scoresOf(ordered, judge(ordered, new Set()))
  const angels = new Set([...powers].flatMap(([did, score]) => (score < ANGEL_SCORE ? [] : [did])))
  return judge(ordered, angels)
}

/** Whether somebody's awards of this kind hang on the awarder's own karma. */
export function needsAngel({ type, role }: Pick<Award, 'type' | 'role'>): boolean {
  return type !== BY_PEERS && !(role !== null && ENTITLED.includes(role))
}

/** The score of everybody who has one. */
export function scoresOf(
  awards: readonly Award[],
  verdicts: ReadonlyMap<string, Verdict>,
): ReadonlyMap<string, number> {
  const scores = new Map<string, number>()
  for (const { uri, to } of awards) {
    const verdict = verdicts.get(uri)
    if (verdict && 'points' in verdict) scores.set(to, (scores.get(to) ?? 0) + verdict.points)
  }
  return scores
}

/** Each cap looks only at awards that the one before has left: first the awarder's day, then the
 *  pair's week, then the recipient's day. What a cap refuses takes up no room in it. */
function judge(ordered: readonly Award[], angels: ReadonlySet<string>): Map<string, Verdict> {
  const given = new Map<string, number>()
  const between = new Map<string, number[]>()
  const received = new Map<string, number>()
  const capped = (award: Award, points: number): Fault | undefined => {
    const { by, to, at } = award
    const day = Math.floor(at.getTime() / DAY_MS)
    const [giving, pair, taking] = [`${by} ${day}`, `${by} ${to}`, `${to} ${day}`]
    const count = given.get(giving) ?? 0
    if (count >= AWARDS_A_DAY) return 'AwarderDayFull'
    given.set(giving, count + 1)
    const week = (between.get(pair) ?? []).filter((time) => time > at.getTime() - WEEK_MS)
    if (week.length >= PAIR_AWARDS_A_WEEK) return 'PairFull'
    between.set(pair, [...week, at.getTime()])
    const sum = (received.get(taking) ?? 0) + points
    if (sum > RECIPIENT_POINTS_A_DAY) return 'RecipientDayFull'
    received.set(taking, sum)
    return undefined
  }
  const verdict = (award: Award): Verdict => {
    const worth = worthOf(award, angels)
    if ('fault' in worth) return worth
    const fault = capped(award, worth.points)
    return fault ? { fault } : worth
  }
  return new Map(ordered.map((award) => [award.uri, verdict(award)]))
}

/** What an award is worth by itself, before any cap. */
function worthOf(award: Award, angels: ReadonlySet<string>): Verdict {
  const { type, role, since, at } = award
  const known = Object.hasOwn(TYPES, type) ? TYPES[type]! : undefined
  if (award.revoked) return { fault: 'Revoked' }
  if (!known) return { fault: 'UnknownType' }
  const most = role !== null && ADMINS.includes(role) ? ADMIN_POINTS : known.points
  const points = award.points ?? known.points
  if (points < 1 || points > most) return { fault: 'TooManyPoints' }
  if (since === null) return { fault: 'AccountAgeUnknown' }
  if (at.getTime() < since.getTime() + YOUNG_MS) return { fault: 'AccountTooYoung' }
  if (needsAngel(award) && !angels.has(award.by)) return { fault: 'NotEntitled' }
  const said = award.contribution === null ? undefined : contributionOf(award.contribution)
  return { points, contribution: said ?? known.contribution }
}

function inTime(x: Award, y: Award): number {
  return x.at.getTime() - y.at.getTime() || (x.uri < y.uri ? -1 : Number(x.uri !== y.uri))
}

import { ANGEL_SCORE, type Contribution } from './reputation.ts'

/** An award and all that decides, beside other awards, whether it counts. */
export type AwardFacts = {
  readonly uri: string
  /** who gives it */
  readonly did: string
  readonly recipient: string
  readonly type: string
  readonly contributionType: string | null
  readonly points: number
  readonly at: Date
  /** Whether its author or the node has taken it back. */
  readonly revoked: boolean
  /** The role its author has on this node. */
  readonly role: string | null
  /** Since when its author's account exists; null while nobody has said. */
  readonly bornAt: Date | null
}

/** Why an award does not count. */
export type Uncounted =
  | 'Revoked'
  | 'UnknownType'
  | 'AgeUnknown'
  | 'AccountTooYoung'
  | 'RoleMissing'
  | 'TooManyPoints'
  | 'PairLimit'
  | 'AwarderLimit'
  | 'RecipientLimit'

/** What the node welcomes somebody with (`domain.md` N-10). */
export const WELCOME_POINTS = 50
/** The standing of the node's own account, which is nobody's role. */
export const NODE = 'node'

/** What each type of award is worth at most, for which contribution it counts unless it names one,
 *  and whether anybody may give it, or the node alone (`domain.md` N-10, AC-13, R-26). */
const TYPES: Readonly<
  Record<string, { points: number; contribution: Contribution; by?: 'peers' | 'node' }>
> = {
  helpful_response: { points: 10, contribution: 'community_support', by: 'peers' },
  quality_content: { points: 20, contribution: 'content_creation' },
  technical_excellence: { points: 25, contribution: 'technical_help' },
  community_leadership: { points: 35, contribution: 'mentorship' },
  guardian_angel_action: { points: 50, contribution: 'community_support' },
  welcome: { points: WELCOME_POINTS, contribution: 'community_support', by: 'node' },
}

const CONTRIBUTIONS: Readonly<Record<string, Contribution>> = {
  content_creation: 'content_creation',
  community_support: 'community_support',
  technical_contribution: 'technical_help',
  mentorship: 'mentorship',
  justice_advocacy: 'justice_advocacy',
  guardian_angel: 'community_support',
}

const ADMINS: readonly (string | null)[] = ['super_admin', 'admin']
const ADMIN_POINTS = 100
const DAY_MS = 86_400_000
const MIN_AGE_MS = 3 * DAY_MS
const RECIPIENT_POINTS_A_DAY = 200
const AWARDER_AWARDS_A_DAY = 10
const PAIR_AWARDS = 3

/** How long awards of one person to another stand in each other's way. */
export const PAIR_WINDOW_MS = 7 * DAY_MS

/** What an award of this type is worth at most, unless an admin gives it. */
export function pointsOf(type: string): number | undefined {
  return Object.hasOwn(TYPES, type) ? TYPES[type]!.points : undefined
}

/** For which contribution an award counts. */
export function contributionOf(a: Pick<AwardFacts, 'type' | 'contributionType'>): Contribution {
  const named = Object.hasOwn(CONTRIBUTIONS, a.contributionType ?? '')
  if (named) return CONTRIBUTIONS[a.contributionType!]!
  return Object.hasOwn(TYPES, a.type) ? TYPES[a.type]!.contribution : 'community_support'
}

/** The awards that count so far. Awards are judged one after the other, in the order of `inOrder`,
 *  each by those that count before it and by nothing later: that makes an end to the circle that
 *  guardian angels are made by awards and award themselves, and the order in which records arrive
 *  decides nothing. */
export class AwardBook {
  readonly #scores: Map<string, number>
  readonly #pairs = new Map<string, number[]>()
  readonly #given = new Map<string, number>()
  readonly #received = new Map<string, number>()

  /** `scores` are those of before the first award that is counted here. */
  constructor(scores: ReadonlyMap<string, number> = new Map()) {
    this.#scores = new Map(scores)
  }

  /** Why the award does not count after those counted so far; undefined when it does. */
  judge(a: AwardFacts): Uncounted | undefined {
    if (a.revoked) return 'Revoked'
    if (!Object.hasOwn(TYPES, a.type)) return 'UnknownType'
    return this.#standingOf(a) ?? this.#limitOf(a)
  }

  /** Adds an award that counts. */
  count({ did, recipient, points, at }: Counted): void {
    add(this.#scores, recipient, points)
    this.note({ did, recipient, points, at })
  }

  /** Adds an award that the scores contain already, for the limits only. */
  note({ did, recipient, points, at }: Counted): void {
    const pair = `${did} ${recipient}`
    const times = this.#pairs.get(pair) ?? []
    this.#pairs.set(pair, [...times.slice(1 - PAIR_AWARDS), at.getTime()])
    add(this.#given, `${did} ${dayOf(at)}`, 1)
    add(this.#received, `${recipient} ${dayOf(at)}`, points)
  }

  #standingOf({ did, role, type, points, at, bornAt }: AwardFacts): Uncounted | undefined {
    const { points: most, by } = TYPES[type]!
    if (role === NODE) return by === 'node' && points === most ? undefined : 'RoleMissing'
    if (by === 'node') return 'RoleMissing'
    if (bornAt === null) return 'AgeUnknown'
    if (at.getTime() - bornAt.getTime() < MIN_AGE_MS) return 'AccountTooYoung'
    const isAdmin = ADMINS.includes(role)
    const isAngel = (this.#scores.get(did) ?? 0) >= ANGEL_SCORE
    if (by !== 'peers' && !isAdmin && role !== 'editor' && !isAngel) return 'RoleMissing'
    return points > (isAdmin ? ADMIN_POINTS : most) ? 'TooManyPoints' : undefined
  }

  /** The node welcomes as many as come, each once. */
  #limitOf({ did, recipient, points, at, role }: AwardFacts): Uncounted | undefined {
    const since = at.getTime() - PAIR_WINDOW_MS
    const recent = (this.#pairs.get(`${did} ${recipient}`) ?? []).filter((time) => time > since)
    if (recent.length >= (role === NODE ? 1 : PAIR_AWARDS)) return 'PairLimit'
    const given = this.#given.get(`${did} ${dayOf(at)}`) ?? 0
    if (role !== NODE && given >= AWARDER_AWARDS_A_DAY) return 'AwarderLimit'
    const received = this.#received.get(`${recipient} ${dayOf(at)}`) ?? 0
    return received + points > RECIPIENT_POINTS_A_DAY ? 'RecipientLimit' : undefined
  }
}

/** What of an award that counts bears on later ones. */
export type Counted = Pick<AwardFacts, 'did' | 'recipient' | 'points' | 'at'>

/** An award with what became of it. */
export type JudgedAward = AwardFacts & { readonly reason: Uncounted | undefined }

/** Judges awards, all of them later than those the book holds. */
export function judgeAwards(awards: readonly AwardFacts[], book = new AwardBook()): JudgedAward[] {
  return inOrder(awards).map((award) => {
    const reason = book.judge(award)
    if (reason === undefined) book.count(award)
    return { ...award, reason }
  })
}

/** By the time they were given, and by their addresses where that is the same. */
function inOrder(awards: readonly AwardFacts[]): AwardFacts[] {
  return awards.toSorted((a, b) => a.at.getTime() - b.at.getTime() || (a.uri < b.uri ? -1 : 1))
}

function add(sums: Map<string, number>, key: string, by: number): void {
  sums.set(key, (sums.get(key) ?? 0) + by)
}

/** The day in UTC. */
function dayOf(at: Date): number {
  return Math.floor(at.getTime() / DAY_MS)
}

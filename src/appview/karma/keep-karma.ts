import type { Clock } from '../../clock.ts'
import type { BornAt } from '../../identity/account-birth.ts'
import type { Outbox } from '../../jobs/jobs.ts'
import type { Log } from '../../log.ts'
import type { Sql } from '../sql.ts'
import { authorFacts, bookBefore, factsSince, firstChange } from './award-facts.ts'
import { type AwardFacts, type Uncounted, judgeAwards } from './judge.ts'
import { meet, unmet } from './meet.ts'
import { keepScores } from './scores.ts'
import { keepStandings } from './standings.ts'

/** What awards come to, kept beside the records. */
export type Karma = {
  /** Judges again what may have changed, and brings scores up to date. Whatever has been committed
   *  when it is called is part of them when it answers. */
  settle(options?: { anew?: boolean }): Promise<void>
  /** The same, after asking for the age of accounts that have given awards and are not known. */
  sweep(): Promise<void>
  /** Why an award, given now, would not count; undefined when it would. */
  wouldCount(
    award: Pick<AwardFacts, 'did' | 'recipient' | 'type' | 'points'>,
  ): Promise<Uncounted | undefined>
  /** Finds out how old somebody's account is, unless that is known. */
  meet(did: string): Promise<void>
}

/** What keeping karma needs. */
export type KarmaOptions = {
  readonly sql: Sql
  readonly outbox: Outbox
  /** The node's own account. */
  readonly nodeAccount: () => Promise<string>
  readonly bornAt: BornAt
  readonly clock: Clock
  readonly nextTid: () => string
  readonly log: Log
}

const LOCK = 0x6b61_726d
const EVER = new Date(-8_640_000_000_000)

/** Keeps what awards come to. No declared column can say it: whether an award counts follows from
 *  all before it. It is judged again from the first award on of which something else has become
 *  true, so what came late and what was taken back end where they would have from the start. */
export function createKarma(options: KarmaOptions): Karma {
  const { sql, outbox, nodeAccount, clock } = options

  const settleOnce = async ({ anew = false } = {}) => {
    const node = await nodeAccount()
    await outbox.transact(async (tx, queue) => {
      await tx.query('select pg_advisory_xact_lock($1)', [LOCK])
      const since = anew ? EVER : await firstChange(tx, node)
      if (since === undefined) return
      const facts = await factsSince(tx, node, since)
      const judged = judgeAwards(facts, await bookBefore(tx, since, facts))
      const concerned = await keepStandings(tx, since, judged)
      await keepScores(tx, concerned, { ...options, node, queue })
    })
  }
  const settle = oneAfterAnother(settleOnce)
  return {
    settle,
    async sweep() {
      for (const did of await unmet(options)) await meet(options, did)
      await settle()
    },
    async wouldCount(award) {
      const at = clock.now()
      const known = await authorFacts(sql, await nodeAccount(), award.did)
      const book = await bookBefore(sql, at, [award])
      return book.judge({
        ...award,
        ...known,
        uri: '',
        contributionType: null,
        at,
        revoked: false,
      })
    },
    meet: (did) => meet(options, did),
  }
}

/** Calls while one is under way share the next. */
function oneAfterAnother(work: Karma['settle']): Karma['settle'] {
  let running: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
  return ({ anew = false } = {}) => {
    if (next && !anew) return next
    const mine = running
      .catch(() => undefined)
      .then(() => {
        if (next === mine) next = undefined
        return work({ anew })
      })
    next = mine
    running = mine
    return mine
  }
}

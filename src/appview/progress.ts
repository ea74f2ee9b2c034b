import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql } from './sql.ts'

const WAIT_MAX_MS = 5_000

/** Tells writers when the views show what they wrote. */
export type Progress = {
  /** Called after a commit, with the revisions it brought to repos in that place. */
  advance(revs: ReadonlyMap<string, string>, place?: string): void
  /** Resolves once the repo's views have reached `rev`, or after five seconds: the write is
   *  acknowledged either way, a late view is not a lost write. `place` is the permissioned space of
   *  the repo, empty for a public one. Never throws, also while the database is away. */
  reached(did: string, rev: string, place?: string): Promise<boolean>
}

/** Keeps who waits for what; the database is asked first, so a commit just before is not missed. */
export function createProgress(sql: Sql): Progress {
  const waiting = new Map<string, Set<{ rev: string; done: () => void }>>()
  const advance = (revs: ReadonlyMap<string, string>, place = '') => {
    for (const [did, rev] of revs)
      for (const waiter of waiting.get(`${place} ${did}`) ?? [])
        if (waiter.rev <= rev) waiter.done()
  }
  const indexed = async (did: string, rev: string, place: string) => {
    const asked = place === '' ? ([PUBLIC, [did]] as const) : ([IN_SPACE, [did, place]] as const)
    const found = await sql
      .query<{ rev: string | null }>(asked[0], [...asked[1]])
      .catch(() => undefined)
    return (found?.rows[0]?.rev ?? '') >= rev
  }
  const reached = async (did: string, rev: string, place = '') => {
    const key = `${place} ${did}`
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiter = { rev, done: resolve }
    const waiters = waiting.get(key) ?? new Set()
    waiting.set(key, waiters.add(waiter))
    try {
      if (await indexed(did, rev, place)) return true
      const late = new AbortController()
      const timeout = sleep(WAIT_MAX_MS, false, { signal: late.signal }).catch(() => false)
      const first = await Promise.race([promise.then(() => true), timeout])
      late.abort()
      return first
    } finally {
      waiters.delete(waiter)
      if (waiters.size === 0) waiting.delete(key)
    }
  }
  return { advance, reached }
}

const PUBLIC = { name: 'rev', text: 'select rev from appview.account where did = $1' }
const IN_SPACE = {
  name: 'space rev',
  text: 'select rev from appview."spaceRepo" where did = $1 and place = $2',
}

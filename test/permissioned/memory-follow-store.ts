import type {
  DueRepo,
  FollowStore,
  FollowedSpace,
} from '../../src/permissioned/sync/follow-store.ts'

type Space = { -readonly [K in keyof FollowedSpace]: FollowedSpace[K] }
type Due = { -readonly [K in keyof DueRepo]: DueRepo[K] } & { nextAt: number }

/** What is followed, in memory: it outlives a consumer that crashes, as Postgres does. */
export function memoryFollowStore(): FollowStore {
  const rows = new Map<string, Space>()
  const repos = new Map<string, Due>()
  const key = ({ space, did }: { space: string; did: string }) => `${space} ${did}`
  const copy = (row: Space): FollowedSpace => ({ ...row, readers: [...row.readers] })
  const dropDue = (space: string) => {
    for (const [at, due] of repos) if (due.space === space) repos.delete(at)
  }
  return {
    spaces: async (after, limit) =>
      [...rows.values()]
        .filter(({ space }) => space > after)
        .toSorted((a, b) => (a.space < b.space ? -1 : 1))
        .slice(0, limit)
        .map(copy),
    spaceOf: async (space) => {
      const row = rows.get(space)
      return row && copy(row)
    },
    async follow(space, reader, now) {
      const row = rows.get(space) ?? newSpace(space, now)
      rows.set(space, row)
      if (reader !== null) row.readers = [...new Set([...row.readers, reader])].toSorted()
      if (row.state !== 'following') Object.assign(row, { reason: null, nextSweepAt: now })
    },
    async unfollow(space, reader) {
      const row = rows.get(space)
      if (row) row.readers = row.readers.filter((did) => did !== reader)
    },
    async note(space, { dids, move, now }) {
      const row = rows.get(space)
      if (row?.state !== 'following') return false
      for (const did of dids) {
        const due = repos.get(key({ space, did }))
        if (due) due.mark += 1
        else repos.set(key({ space, did }), { ...newDue(space, did), nextAt: now.getTime() })
      }
      if (move && row.checkpoint === move.from) row.checkpoint = move.to
      return true
    },
    async registered(space, until) {
      const row = rows.get(space)
      if (row) row.registeredUntil = until
    },
    async swept(space, next) {
      const row = rows.get(space)
      if (row?.state === 'following') row.nextSweepAt = next
    },
    async resume(space) {
      const row = rows.get(space)
      if (row?.state === 'stopped') Object.assign(row, { state: 'following', reason: null })
    },
    async stop(space, reason, askAgainAt) {
      const row = rows.get(space)
      if (row === undefined || row.state === 'forgetting') return
      const nothing = { checkpoint: null, registeredUntil: null, nextSweepAt: askAgainAt }
      Object.assign(row, { state: 'forgetting', reason, ...nothing })
      dropDue(space)
    },
    async forgotten(space) {
      const row = rows.get(space)
      if (row?.state !== 'forgetting') return
      if (row.readers.length === 0) rows.delete(space)
      else row.state = 'stopped'
    },
    due: async ({ now, limit, exceptHosts, except }) =>
      [...repos.values()]
        .filter((due) => due.nextAt <= now.getTime())
        .filter(({ host }) => host === null || !exceptHosts.includes(host))
        .filter((due) => !except.some((other) => key(other) === key(due)))
        .toSorted((a, b) => a.nextAt - b.nextAt)
        .slice(0, limit)
        .map((due) => ({ ...due })),
    dueOf: async (space, did) => {
      const due = repos.get(key({ space, did }))
      return due && { ...due }
    },
    async beginWhole(due) {
      const row = repos.get(key(due))
      if (row) row.whole = true
    },
    async done(due) {
      const row = repos.get(key(due))
      if (row?.mark === due.mark) repos.delete(key(due))
      else if (row) Object.assign(row, { whole: false, attempts: 0 })
    },
    async later(due, { retryAt, attempts, host }) {
      const row = repos.get(key(due))
      if (row) Object.assign(row, { nextAt: retryAt.getTime(), attempts, host })
    },
  }
}

function newSpace(space: string, now: Date): Space {
  return {
    space,
    readers: [],
    state: 'following',
    reason: null,
    checkpoint: null,
    registeredUntil: null,
    nextSweepAt: now,
  }
}

function newDue(space: string, did: string) {
  return { space, did, mark: 1, whole: false, attempts: 0, host: null }
}

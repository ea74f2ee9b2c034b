import { XRPCError } from '@atproto/xrpc-server'
import type { Evidence } from './appview/access.ts'
import type { Guests, RepoWriter, Written } from './appview/own-record.ts'
import type { Clock } from './clock.ts'
import type { Sql } from './database/sql.ts'
import type { IdentityResolver } from './identity/resolver.ts'
import { lexRecord } from './appview/lex-record.ts'
import type { Outbound } from './outbound/fetch.ts'
import { alignAdmissions } from './public-admissions.ts'
import { readLimitedJson } from './outbound/read-limited.ts'
import { ensureAudience, parseAudience } from './permissioned/audience.ts'
import type { SpaceBatch, SpaceStore, SpaceWritten } from './permissioned/store/store.ts'

type Deps = {
  sql: Sql
  store: SpaceStore
  clock: Clock
  isHosted: (did: string) => Promise<boolean>
}

/** Writes into the repo that a record's place says: the public one, or the one in that space. */
export function placedWriter(open: RepoWriter, deps: Deps): RepoWriter {
  const write = spaceWrite(deps)
  return {
    putRecord({ place = '', ...at }) {
      if (place === '') return open.putRecord(at)
      const { did, record, ...rest } = at
      return write(place, did, [{ action: 'put', ...rest, record: lexRecord(record) }])
    },
    deleteRecord({ place = '', ...at }) {
      if (place === '') return open.deleteRecord(at)
      const { did, swapHead: swapRev, ...rest } = at
      return unlessAbsent(did, write(place, did, [{ action: 'delete', ...rest }], { swapRev }))
    },
    putAll({ place = '', ...all }) {
      if (place === '') return open.putAll(all)
      const { did, puts, swapHead: swapRev } = all
      const writes = puts.map(({ record, ...at }) => ({
        action: 'put' as const,
        ...at,
        record: lexRecord(record),
      }))
      return write(place, did, writes, { swapRev })
    },
    async head({ place = '', did }) {
      if (place === '') return open.head({ did })
      const { rows } = await deps.sql.query<{ rev: string }>(HEAD, [place, did])
      const rev = rows[0]?.rev ?? ''
      return { rev, swapHead: rev }
    },
    createAll({ place = '', did, creates }) {
      if (place === '') return open.createAll({ did, creates })
      const writes = creates.map(({ record, ...at }) => ({
        action: 'create' as const,
        ...at,
        record: lexRecord(record),
      }))
      return write(place, did, writes)
    },
  }
}

const HEAD = 'select rev from repo.repo where space = $1 and did = $2'

/** Records of accounts whose own PDS has no permissioned repos, kept here in their name. */
export function guestWriter(
  deps: Deps & { resolver: IdentityResolver; outbound: Outbound },
): Guests {
  const write = spaceWrite(deps)
  const kept = new Map<string, { keeps: boolean; until: number }>()
  return {
    async keepsRepos(did) {
      const now = deps.clock.now().getTime()
      const known = kept.get(did)
      if (known && known.until > now) return known.keeps
      const keeps = await offersSpaces(deps, did)
      if (kept.size >= REMEMBERED_MAX) kept.clear()
      kept.set(did, { keeps, until: now + REMEMBERED_MS })
      return keeps
    },
    putRecord({ place = '', did, record, evidence, ...at }) {
      const local = { source: 'local', evidence } as const
      return write(place, did, [{ action: 'put', ...at, record: lexRecord(record) }], local)
    },
    deleteRecord({ place = '', did, ...at }) {
      const local = { source: 'local' } as const
      return unlessAbsent(did, write(place, did, [{ action: 'delete', ...at }], local))
    },
  }
}

const REMEMBERED_MS = 300_000
const REMEMBERED_MAX = 10_000
const ANSWER_BYTES = 100_000

/** Whether the account's PDS says that it keeps permissioned repos (alpha of 2026-10-01). One that
 *  does not answer is not known to have none, so nothing is kept in its stead. */
async function offersSpaces(
  { resolver, outbound }: { resolver: IdentityResolver; outbound: Outbound },
  did: string,
): Promise<boolean> {
  const identity = await resolver.resolve(did).catch(() => undefined)
  if (!identity) return true
  const url = `${identity.pds}/xrpc/com.atproto.server.describeServer`
  try {
    const answer = await readLimitedJson(await outbound(url), ANSWER_BYTES)
    return (answer as { spacesAlpha?: unknown } | null)?.spacesAlpha === true
  } catch {
    return true
  }
}

function spaceWrite({ sql, store, clock, isHosted }: Deps) {
  const made = new Set<string>()
  return async (
    place: string,
    did: string,
    writes: SpaceBatch['writes'],
    more: { source?: 'local'; evidence?: Evidence; swapRev?: string } = {},
  ): Promise<Written> => {
    const audience = parseAudience(place)
    if (audience && !made.has(place) && (await isHosted(audience.authority))) {
      await ensureAudience(sql, { ...audience, now: clock.now() })
      await alignAdmissions(sql, audience.authority)
      made.add(place)
    }
    return written(did, await store.applyWrites({ space: place, did, writes, ...more }))
  }
}

/** Deleting what is not there changes nothing, as in public repos. */
async function unlessAbsent(did: string, deleting: Promise<Written>): Promise<Written> {
  try {
    return await deleting
  } catch (error) {
    if (!(error instanceof XRPCError && error.customErrorName === 'RecordNotFound')) throw error
    return { did, rev: '', results: [] }
  }
}

function written(did: string, { rev, results }: SpaceWritten): Written {
  return { did, rev, results: results.map(({ uri, cid }) => ({ uri, cid: cid ?? undefined })) }
}

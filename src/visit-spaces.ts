import type { Timers } from './clock.ts'
import type { Sql } from './database/sql.ts'
import type { IdentityResolver } from './identity/resolver.ts'
import type { SpaceKeeping } from './keep-spaces.ts'
import type { Log } from './log.ts'
import type { NodePds } from './open-pds.ts'
import type { Outbound } from './outbound/fetch.ts'
import { AUDIENCES, AUDIENCE_TYPES, audienceUri, isCustomerKey } from './permissioned/audience.ts'
import { makeDelegation } from './permissioned/tokens/delegation.ts'
import {
  type FollowSpacesOptions,
  type SpaceFollowing,
  startFollowingSpaces,
} from './permissioned/sync/follow-spaces.ts'
import type { SpaceGrants } from './permissioned/store/grants.ts'
import { type SpaceHost, syncerId } from './permissioned/host/host.ts'
import { createSpaceApi } from './permissioned/sync/http-space-api.ts'
import { postgresFollowStore } from './permissioned/sync/postgres-follow-store.ts'
import type { SpaceSink } from './permissioned/sink.ts'
import { parseSpace } from './permissioned/space-ref.ts'

type Options = {
  did: string
  keeping: SpaceKeeping
  resolver: IdentityResolver
  outbound: Outbound
  pds: Pick<NodePds, 'isHosted' | 'signAs' | 'statusOf'>
  timers: Timers
  log: Log
}

/** How the node follows spaces of others, from `start` until `close`. */
export type SpaceVisiting = {
  /** Brings the views to where a repo's host has it. Throws when that is not possible now. */
  fetchNow(space: string, did: string): Promise<void>
  /** The same grants; who gives one or takes it back has the spaces it is about followed or not. */
  readonly grants: FollowedGrants
  start(host: SpaceHost, sink: SpaceSink): Promise<void>
  close(): Promise<void>
}

/** Grants whose spaces are followed; `skeys` are keys of spaces that do not follow from roles. */
type FollowedGrants = SpaceGrants & {
  put(
    did: string,
    grant: Parameters<SpaceGrants['put']>[1],
    skeys?: readonly string[],
  ): Promise<void>
}

/** Wires the syncer to this node's accounts, storage and network. */
export function visitSpaces(options: Options): SpaceVisiting {
  const { keeping } = options
  let following: SpaceFollowing | undefined
  let unheard: () => unknown = () => undefined
  return {
    async fetchNow(space, repo) {
      if (!following) throw new Error('the node is still starting')
      const outcome = await following.fetchNow(space, repo)
      if (!outcome.ok) throw new Error(`${outcome.reason}: ${outcome.detail}`)
    },
    grants: followedGrants(keeping.grants, {
      follow: async (space, reader) => following?.follow(space, reader),
      unfollow: async (space, reader) => following?.unfollow(space, reader),
      isHosted: options.pds.isHosted,
      sql: keeping.pool,
    }),
    async start(host, sink) {
      const begun = await startFollowingSpaces(followOptions(options, host, sink))
      following = begun
      host.follow(begun)
      unheard = keeping.store.onWrite((space, did) => void askAgain(options, begun, { space, did }))
    },
    async close() {
      unheard()
      await following?.close()
    },
  }
}

function followOptions(options: Options, host: SpaceHost, sink: SpaceSink): FollowSpacesOptions {
  const { did, keeping, resolver, outbound, pds, timers, log } = options
  return {
    store: postgresFollowStore(keeping.pool),
    sink,
    api: createSpaceApi({ outbound }),
    resolver,
    isHosted: pds.isHosted,
    async delegate(space, reader) {
      const ref = parseSpace(space)
      if (!ref || (await pds.statusOf(reader)) !== 'active') return undefined
      if (!(await keeping.grants.covers(reader, ref, 'read'))) return undefined
      return makeDelegation({ did: reader, space, now: timers.now(), sign: pds.signAs(reader) })
    },
    issue: (space, key) => host.issue(space, key),
    ownRepos: (space, cursor) => host.ownRepos(space, cursor),
    service: syncerId(did),
    timers,
    log,
  }
}

/** Whoever writes in a space elsewhere has perhaps been admitted since its host was last asked. */
async function askAgain(
  { keeping, pds, log }: Options,
  following: SpaceFollowing,
  { space, did }: { space: string; did: string },
): Promise<void> {
  try {
    const ref = parseSpace(space)
    if (!ref || (await pds.isHosted(ref.authority))) return
    const { rows } = await keeping.pool.query(STOPPED, [space, did])
    if (rows.length > 0) await following.follow(space, did)
  } catch (err) {
    log.warn({ err, space }, 'a space is not asked for again')
  }
}

const STOPPED = `select 1 from repo.follow f join repo."followReader" r on r.space = f.space
  where f.space = $1 and r.did = $2 and f.state <> 'following'`

const FOLLOWED = `select space from repo."followReader" where did = $1
  and split_part(space, '/', 3) = $2 and split_part(space, '/', 5) = $3`

type Follow = (space: string, reader: string) => Promise<void>

/** Which audiences a reader belongs to only the authority's host can say: all are asked for, and
 *  those it refuses are asked for again now and then. */
function followedGrants(
  grants: SpaceGrants,
  how: {
    follow: Follow
    unfollow: Follow
    isHosted: (did: string) => Promise<boolean>
    sql: Sql
  },
): FollowedGrants {
  const each = async (
    did: string,
    { authority, spaceType }: { authority: string; spaceType: string },
    act: Follow,
    others: readonly string[],
  ) => {
    if (!AUDIENCE_TYPES.includes(spaceType) || (await how.isHosted(authority))) return
    const levels = AUDIENCES.map((level) => audienceUri(authority, level, spaceType))
    for (const space of new Set([...levels, ...others])) await act(space, did)
  }
  const followed = async (did: string, authority: string, type: string) => {
    const { rows } = await how.sql.query<{ space: string }>(FOLLOWED, [did, authority, type])
    return rows.map(({ space }) => space)
  }
  return {
    ...grants,
    async put(did, grant, skeys: readonly string[] = []) {
      await grants.put(did, grant)
      const { authority, spaceType: type } = grant
      const known = await followed(did, authority, type)
      if (!grant.actions.includes('read')) return each(did, grant, how.unfollow, known)
      const customers = skeys.filter(isCustomerKey)
      const named = customers.map((skey) => audienceUri(authority, skey, type))
      await each(did, grant, how.follow, named)
    },
    async remove(did, grant) {
      const removed = await grants.remove(did, grant)
      const known = await followed(did, grant.authority, grant.spaceType)
      await each(did, grant, how.unfollow, known)
      return removed
    },
  }
}

import type { Timers } from './clock.ts'
import type { IdentityResolver } from './identity/resolver.ts'
import type { SpaceKeeping } from './keep-spaces.ts'
import type { Log } from './log.ts'
import type { NodePds } from './open-pds.ts'
import type { Outbound } from './outbound/fetch.ts'
import { AUDIENCES, PRIVATE_SPACE, audienceUri } from './permissioned/audience.ts'
import { makeCredential } from './permissioned/credential.ts'
import { rememberCredential } from './permissioned/credentials.ts'
import { makeDelegation } from './permissioned/delegation.ts'
import {
  type FollowSpacesOptions,
  type SpaceFollowing,
  startFollowingSpaces,
} from './permissioned/follow-spaces.ts'
import { createFollowStore } from './permissioned/postgres-follow-store.ts'
import type { SpaceGrants } from './permissioned/grants.ts'
import { createSpaceApi } from './permissioned/http-space-api.ts'
import type { SyncerPort } from './permissioned/ports.ts'
import type { SpaceSink } from './permissioned/sink.ts'
import { parseSpace } from './permissioned/space-ref.ts'
import { listWriters, orderWriters } from './permissioned/writers.ts'

type Options = {
  did: string
  keeping: SpaceKeeping
  nextTid: () => string
  resolver: IdentityResolver
  outbound: Outbound
  pds: Pick<NodePds, 'isHosted' | 'signAs' | 'statusOf'>
  timers: Timers
  log: Log
}

/** How the node follows spaces of others, from `start` until `close`. */
export type SpaceVisiting = {
  readonly syncer: SyncerPort
  /** Brings the views to where a repo's host has it. Throws when that is not possible now. */
  fetchNow(space: string, did: string): Promise<void>
  /** The same grants; who gives one or takes it back has the spaces it is about followed or not. */
  readonly grants: SpaceGrants
  start(sink: SpaceSink): Promise<void>
  close(): Promise<void>
}

/** Wires the syncer to this node's accounts, storage and network. */
export function visitSpaces(options: Options): SpaceVisiting {
  const { did, keeping } = options
  let following: SpaceFollowing | undefined
  let unheard: () => unknown = () => undefined
  /** Whoever writes in a space elsewhere has perhaps been admitted since its host was last asked. */
  const askAgain = async (to: SpaceFollowing, space: string, reader: string) => {
    try {
      const ref = parseSpace(space)
      if (!ref || (await options.pds.isHosted(ref.authority))) return
      const { rows } = await keeping.pool.query(STOPPED, [space, reader])
      if (rows.length > 0) await to.follow(space, reader)
    } catch (err) {
      options.log.warn({ err, space }, 'a space is not asked for again')
    }
  }
  return {
    syncer: {
      service: `${did}#angelos_appview`,
      async wrote({ spaceRev, ...notice }) {
        if (spaceRev !== undefined) await following?.notified({ ...notice, spaceRev })
      },
      async deleted(space) {
        await following?.spaceDeleted(space)
      },
    },
    async fetchNow(space, repo) {
      if (!following) throw new Error('the node is still starting')
      const outcome = await following.fetchNow(space, repo)
      if (!outcome.ok) throw new Error(`${outcome.reason}: ${outcome.detail}`)
    },
    grants: followedGrants(keeping.grants, {
      follow: async (space, reader) => following?.follow(space, reader),
      unfollow: async (space, reader) => following?.unfollow(space, reader),
      isHosted: options.pds.isHosted,
    }),
    async start(sink) {
      following = await startFollowingSpaces({ ...followOptions(options), sink })
      unheard = keeping.store.onWrite((space, reader) => void askAgain(following!, space, reader))
    },
    async close() {
      unheard()
      await following?.close()
    },
  }
}

function followOptions(options: Options): Omit<FollowSpacesOptions, 'sink'> {
  const { did, keeping, nextTid, resolver, outbound, pds, timers, log } = options
  const { pool, admission, grants } = keeping
  return {
    store: createFollowStore(pool),
    api: createSpaceApi({ outbound }),
    resolver,
    isHosted: pds.isHosted,
    async delegate(space, reader) {
      const ref = parseSpace(space)
      if (!ref || (await pds.statusOf(reader)) !== 'active') return undefined
      if (!(await grants.covers(reader, ref, 'read'))) return undefined
      return makeDelegation({ did: reader, space, now: timers.now(), sign: pds.signAs(reader) })
    },
    async issue(space, key) {
      const authority = parseSpace(space)?.authority ?? ''
      const sign = pds.signAs(authority)
      const { token, jti, expiresAt } = await makeCredential({
        space,
        key,
        now: timers.now(),
        sign,
      })
      await rememberCredential(pool, { space, jti, authority, did: authority, expiresAt })
      return token
    },
    async ownRepos(space, cursor) {
      const mayWrite = async (writer: string) =>
        (await admission.allowed(space, writer, 'write')) === true
      await orderWriters({ pool, clock: timers, nextTid }, space, mayWrite)
      const writers = await listWriters(pool, { space, cursor: cursor ?? '', limit: PAGE })
      const repos = writers.map(({ rev: repoRev, ...writer }) => ({ ...writer, repoRev }))
      const last = repos.at(-1)
      return { repos, ...(last && { cursor: last.spaceRev }) }
    },
    service: `${did}#angelos_appview`,
    timers,
    log,
  }
}

const PAGE = 500
const STOPPED = `select 1 from repo.follow
  where space = $1 and $2 = any(readers) and state <> 'following'`

type Follow = (space: string, reader: string) => Promise<void>

/** Which audiences a reader belongs to only the authority's host can say: all are asked for, and
 *  those it refuses are asked for again now and then. */
function followedGrants(
  grants: SpaceGrants,
  how: { follow: Follow; unfollow: Follow; isHosted: (did: string) => Promise<boolean> },
): SpaceGrants {
  const each = async (
    did: string,
    { authority, spaceType }: { authority: string; spaceType: string },
    act: Follow,
  ) => {
    if (spaceType !== PRIVATE_SPACE || (await how.isHosted(authority))) return
    for (const audience of AUDIENCES) await act(audienceUri(authority, audience), did)
  }
  return {
    ...grants,
    async put(did, grant) {
      await grants.put(did, grant)
      await each(did, grant, grant.actions.includes('read') ? how.follow : how.unfollow)
    },
    async remove(did, grant) {
      const removed = await grants.remove(did, grant)
      await each(did, grant, how.unfollow)
      return removed
    },
  }
}

import { makeCredential } from './credential.ts'
import { rememberCredential } from './credentials.ts'
import type { HostedSpace, HostedSpaces } from './hosted-spaces.ts'
import { spaceOf } from './mount.ts'
import type { HostPorts } from './ports.ts'
import { type Writer, listWriters } from './writers.ts'

/** What the node itself may ask of the spaces it is the host of, without a call over the wire. */
export type OwnSpaces = {
  /** A credential in the authority's own name, bound to a P-256 did:key. Throws `SpaceNotFound`. */
  issue(space: string, key: string): Promise<string>
  /** The repos of a space after a place in its order, as `listRepos` tells them. */
  ownRepos(space: string, cursor: string | null): Promise<OwnRepos>
}

/** A page of repos; an empty one has no cursor. */
export type OwnRepos = {
  repos: { did: string; repoRev: string; hash: Uint8Array; spaceRev: string }[]
  cursor?: string
}

const PAGE = 500

/** Makes it. */
export function forOwnSpaces(parts: {
  ports: Pick<HostPorts, 'accounts' | 'pool' | 'timers'>
  spaces: HostedSpaces
  place: (space: HostedSpace) => Promise<unknown>
}): OwnSpaces {
  const { ports, spaces, place } = parts
  const { accounts, pool, timers } = ports
  return {
    issue: async (uri, key) => {
      const { space, authority } = await spaces.require(spaceOf(uri))
      const sign = accounts.sign(authority)
      const made = await makeCredential({ space, key, now: timers.now(), sign })
      const { token, jti, expiresAt } = made
      await rememberCredential(pool, { space, jti, authority, did: authority, expiresAt })
      return token
    },
    ownRepos: async (uri, cursor) => {
      const hosted = await spaces.require(spaceOf(uri))
      await place(hosted)
      const writers = await listWriters(pool, {
        space: hosted.space,
        cursor: cursor ?? '',
        limit: PAGE,
      })
      return pageOf(writers)
    },
  }
}

/** Writers as `listRepos` answers them. */
export function pageOf(writers: readonly Writer[]): OwnRepos {
  const repos = writers.map(({ rev: repoRev, ...writer }) => ({ ...writer, repoRev }))
  const last = repos.at(-1)
  return { repos, ...(last && { cursor: last.spaceRev }) }
}

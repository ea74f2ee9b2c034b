import type { Server } from '@atproto/xrpc-server'
import { type Sql, type SqlPool, transaction } from '../../database/sql.ts'
import { forbidden, refused } from '../answers.ts'
import { type HostedSpaces, isAudience } from '../hosted-spaces.ts'
import { type Exchange, route, spaceOf } from '../mount.ts'
import type { OwnCaller } from '../own-caller.ts'
import { revokeCredentials } from '../revoke.ts'
import { nsid } from '../wire.ts'

type Deps = {
  own: (exchange: Exchange) => Promise<OwnCaller>
  pool: SqlPool
  spaces: HostedSpaces
  /** Deletes the repo of an account in a space. */
  removeRepo: (space: string, did: string) => Promise<void>
  wake: () => void
  now: () => Date
}

/** How long registered syncers are tried to be told that a space is gone. */
const TELL_FOR_MS = 24 * 3_600_000

/** `deleteSpace`: nobody gets a credential any more, those that are out end, syncers are told to
 *  drop their copies. The authority's own repo goes with it; members keep theirs. */
export function deleteSpace(server: Server, deps: Deps): void {
  route(server, nsid.deleteSpace, {
    caller: deps.own,
    answer: async ({ input, caller: own }) => {
      const space = spaceOf(input['space'])
      if (own.did !== space.authority || isAudience(space)) throw forbidden('NotSpaceOwner')
      await own.may('manage', space)
      if (!(await deps.spaces.find(space))) throw refused('SpaceNotFound')
      await transaction(deps.pool, (tx) => bury(tx, space.uri, deps.now()))
      await deps.removeRepo(space.uri, own.did)
      deps.wake()
      return undefined
    },
  })
}

async function bury(tx: Sql, space: string, now: Date): Promise<void> {
  const { rowCount } = await tx.query(
    'update repo.space set "deletedAt" = $2 where space = $1 and "deletedAt" is null',
    [space, now],
  )
  if (!rowCount) return
  await revokeCredentials(tx, { space, now })
  await tx.query(
    `insert into repo.notice (space, "to", kind, subject, "nextAt", until)
     select space, service, 'deleted', '', $2, $3 from repo.syncer
     where space = $1 and "expiresAt" > $2 on conflict do nothing`,
    [space, now, new Date(now.getTime() + TELL_FOR_MS)],
  )
  for (const table of ['syncer', 'forward', 'member', 'writer'])
    await tx.query(`delete from repo.${table} where space = $1`, [space])
}

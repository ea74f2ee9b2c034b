import type { Server } from '@atproto/xrpc-server'
import { type SqlPool, transaction } from '../../../database/sql.ts'
import { forbidden, refused } from '../answers.ts'
import { revoke } from '../../store/credentials.ts'
import { burySpace, emptyRepo } from '../../store/delete-repo.ts'
import { type HostedSpaces, isAudience } from '../hosted-spaces.ts'
import { type Exchange, route, spaceOf } from '../mount.ts'
import type { OwnCaller } from '../own-caller.ts'
import { nsid } from '../../wire.ts'

type Deps = {
  own: (exchange: Exchange) => Promise<OwnCaller>
  pool: SqlPool
  spaces: HostedSpaces
  /** Tells the store that a repo is gone. */
  forget: (space: string, did: string) => void
  wake: () => void
  now: () => Date
}

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
      const now = deps.now()
      await transaction(deps.pool, async (tx) => {
        await revoke(tx, { space: space.uri }, now)
        await burySpace(tx, space.uri, now)
        await emptyRepo(tx, { space: space.uri, did: own.did }, now)
      })
      deps.forget(space.uri, own.did)
      deps.wake()
      return undefined
    },
  })
}

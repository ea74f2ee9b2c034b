import { InvalidRequestError, type Server } from '@atproto/xrpc-server'
import type { Sql } from '../../database/sql.ts'
import type { Decide } from '../access.ts'
import type { Admission } from '../admission.ts'
import { forbidden, refused } from '../answers.ts'
import { type HostedSpace, type HostedSpaces, isAudience } from '../hosted-spaces.ts'
import { type Exchange, route, spaceOf } from '../mount.ts'
import type { OwnCaller } from '../own-caller.ts'
import { requireOwn } from '../owner.ts'
import { appAccessOf, policyOf } from '../policy.ts'
import { type Reader, mayAskHost } from '../repo-reader.ts'
import { spaceUri } from '../space-ref.ts'
import { nsid } from '../wire.ts'

type Deps = {
  own: (exchange: Exchange) => Promise<OwnCaller>
  reader: (exchange: Exchange) => Promise<Reader>
  pool: Sql
  spaces: HostedSpaces
  admission: Admission
  decide: Decide
  nextTid: () => string
  now: () => Date
}

/** `createSpace`, `getSpace` and `updateSpace`: an account of this node is the authority of spaces
 *  of its own. The audiences of communities exist by themselves and are not for sale. */
export function manageSpace(server: Server, deps: Deps): void {
  const { own: caller, pool, spaces, now } = deps
  route(server, nsid.createSpace, {
    caller,
    answer: async ({ input, caller: own }) => {
      const { spaceType, skey = deps.nextTid() } = input as { spaceType: string; skey?: string }
      const uri = spaceUri({ authority: own.did, type: spaceType, skey })
      const space = spaceOf(uri)
      await own.may('manage', space)
      if (isAudience(space))
        throw new InvalidRequestError('Spaces of this type are made by the node itself.')
      const { rowCount } = await pool.query(CREATE, [
        uri,
        own.did,
        spaceType,
        skey,
        JSON.stringify(policyOf(input['readPolicy'])),
        JSON.stringify(policyOf(input['writePolicy'])),
        JSON.stringify(appAccessOf(input['appAccess'])),
        now(),
      ])
      if (rowCount !== 1) throw refused('SpaceAlreadyExists')
      return { uri }
    },
  })
  route(server, nsid.getSpace, {
    caller: deps.reader,
    answer: async ({ input, caller: reader }) => {
      const space = spaceOf(input['space'])
      if (reader.kind === 'credential') mayAskHost(reader, space)
      else await reader.may('read', space)
      const hosted = await spaces.require(space)
      // To others a space that does not admit them is not there.
      if (reader.kind === 'own' && (await deps.decide(hosted, reader.did, 'read')) !== 'yes')
        throw refused('SpaceNotFound')
      return shown(hosted)
    },
  })
  route(server, nsid.updateSpace, {
    caller,
    answer: async ({ input, caller: own }) => {
      const space = spaceOf(input['space'])
      await requireOwn(deps, own, space)
      if (isAudience(space)) throw forbidden('NotSpaceOwner')
      const { readPolicy, writePolicy, appAccess } = input
      const values = [
        readPolicy && policyOf(readPolicy),
        writePolicy && policyOf(writePolicy),
        appAccess && appAccessOf(appAccess),
      ].map((value) => (value ? JSON.stringify(value) : null))
      await pool.query(UPDATE, [space.uri, ...values])
      return undefined
    },
  })
}

function shown({ space, readPolicy, writePolicy, appAccess }: HostedSpace): object {
  return { uri: space, readPolicy, writePolicy, appAccess }
}

/** A space that was deleted may be made again; its order goes on where it ended. */
const CREATE = `
  insert into repo.space
    (space, authority, type, skey, "readPolicy", "writePolicy", "appAccess", "createdAt")
  values ($1, $2, $3, $4, $5, $6, $7, $8)
  on conflict (space) do update set "readPolicy" = excluded."readPolicy",
    "writePolicy" = excluded."writePolicy", "appAccess" = excluded."appAccess",
    "createdAt" = excluded."createdAt", "deletedAt" = null
  where repo.space."deletedAt" is not null`

const UPDATE = `
  update repo.space set "readPolicy" = coalesce($2::jsonb, "readPolicy"),
    "writePolicy" = coalesce($3::jsonb, "writePolicy"),
    "appAccess" = coalesce($4::jsonb, "appAccess")
  where space = $1 and "deletedAt" is null`

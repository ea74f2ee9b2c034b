import { InvalidRequestError, type Server } from '@atproto/xrpc-server'
import { type SqlPool, transaction } from '../../../database/sql.ts'
import type { Admission, Member } from '../../store/admission.ts'
import { forbidden } from '../answers.ts'
import { revoke } from '../../store/credentials.ts'
import { type HostedSpaces, isAudience } from '../hosted-spaces.ts'
import { type Exchange, route, spaceOf } from '../mount.ts'
import type { OwnCaller } from '../own-caller.ts'
import { requireOwn } from '../owner.ts'
import { nsid } from '../../wire.ts'

type Deps = {
  own: (exchange: Exchange) => Promise<OwnCaller>
  pool: SqlPool
  spaces: HostedSpaces
  admission: Admission
  /** wakes what tells other hosts */
  wake: () => void
  now: () => Date
}

/** `putMember`, `removeMember` and `listMembers`: the list that member list policies consult. Those
 *  who belong to an audience of a community follow from their roles instead. */
export function members(server: Server, deps: Deps): void {
  const { own: caller, pool, now } = deps
  route(server, nsid.putMember, {
    caller,
    answer: async ({ input, caller: own }) => {
      const space = await requireList(deps, own, input['space'])
      const { did, read, write } = input as Member
      await transaction(pool, async (tx) => {
        await tx.query(PUT, [space, did, read, write, now()])
        if (!read) await revoke(tx, { authority: own.did, did }, now())
      })
      deps.wake()
      return undefined
    },
  })
  route(server, nsid.removeMember, {
    caller,
    answer: async ({ input, caller: own }) => {
      const space = await requireList(deps, own, input['space'])
      const did = String(input['did'])
      await transaction(pool, async (tx) => {
        await tx.query('delete from repo.member where space = $1 and did = $2', [space, did])
        // Of other spaces of the account too: new ones are to be had at once.
        await revoke(tx, { authority: own.did, did }, now())
      })
      deps.wake()
      return undefined
    },
  })
  route(server, nsid.listMembers, {
    caller,
    answer: async ({ input, caller: own }) => {
      const space = spaceOf(input['space'])
      await requireOwn(deps, own, space)
      const { limit, cursor } = input as { limit: number; cursor?: string }
      return deps.admission.members(space.uri, cursor, limit)
    },
  })
}

async function requireList(deps: Deps, own: OwnCaller, value: unknown): Promise<string> {
  const space = spaceOf(value)
  await requireOwn(deps, own, space)
  if (space.authority !== own.did) throw forbidden('NotSpaceOwner')
  if (isAudience(space))
    throw new InvalidRequestError('Who belongs to this space follows from roles. Change those.')
  return space.uri
}

const PUT = `
  insert into repo.member (space, did, read, write, "addedAt") values ($1, $2, $3, $4, $5)
  on conflict (space, did) do update set read = excluded.read, write = excluded.write`

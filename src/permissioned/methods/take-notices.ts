import { InvalidRequestError, type Server } from '@atproto/xrpc-server'
import type { SqlPool } from '../../database/sql.ts'
import { tidTime } from '../../tid.ts'
import type { Decide } from '../access.ts'
import { forbidden, refused, unauthorized } from '../answers.ts'
import { noteRevocations } from '../credentials.ts'
import type { HostedSpaces } from '../hosted-spaces.ts'
import { type Space, route, spaceOf } from '../mount.ts'
import type { Accounts, HostPorts, PlacedNotice, ServiceCaller, SyncerPort } from '../ports.ts'
import { serviceCaller } from '../service-caller.ts'
import { SPACE_HOST, nsid } from '../wire.ts'
import { noteWriter } from '../writers.ts'

type Deps = Pick<HostPorts, 'service'> & {
  pool: SqlPool
  accounts: Accounts
  spaces: HostedSpaces
  decide: Decide
  /** what this node registers as where it follows spaces, and who does that */
  syncerId: string
  syncer: () => SyncerPort | undefined
  /** A repo of the space has written; it is to get its place. */
  wrote: (space: string) => void
  now: () => Date
}

const AHEAD_MS = 5 * 60_000
const HASH_BYTES = 32

/** `notifyWrite`, `notifySpaceDeleted` and `notifyCredentialRevoked`: what other hosts tell this
 *  one, as the host of a space, as a syncer, and as the host of repos. */
export function takeNotices(server: Server, deps: Deps): void {
  const { now, syncerId } = deps
  route(server, nsid.notifyWrite, {
    caller: serviceCaller(deps, nsid.notifyWrite, (aud) => isHost(aud) || aud === syncerId),
    answer: async ({ input, caller }) => {
      const space = spaceOf(input['space'])
      const notice = input as Notice
      const { repo, repoRev, hash } = notice
      if (tidTime(repoRev).getTime() > now().getTime() + AHEAD_MS) throw refused('FutureRev')
      if (hash.length !== HASH_BYTES) throw new InvalidRequestError('hash must have 32 bytes.')
      const told = { did: repo, rev: repoRev, hash }
      if (isHost(caller.aud)) await takeWrite(deps, { space, caller }, told)
      else await takeForward(deps.syncer(), { space, caller }, notice)
      return undefined
    },
  })
  route(server, nsid.notifySpaceDeleted, {
    caller: serviceCaller(deps, nsid.notifySpaceDeleted, (aud) => aud === syncerId),
    answer: async ({ input, caller }) => {
      const space = spaceOf(input['space'])
      if (caller.did !== space.authority) throw unauthorized('BadJwtIssuer')
      if (!(await deps.syncer()?.spaceDeleted(space.uri))) throw refused('SpaceNotFound')
      return undefined
    },
  })
  route(server, nsid.notifyCredentialRevoked, {
    // Which accounts are hosted here is looked up once the token is known to hold.
    caller: serviceCaller(deps, nsid.notifyCredentialRevoked, (aud) => !aud.includes('#')),
    answer: async ({ input, caller }) => {
      const space = spaceOf(input['space'])
      if (caller.did !== space.authority) throw unauthorized('BadJwtIssuer')
      if (!(await deps.accounts.status(caller.aud))) throw unauthorized('BadJwtAudience')
      const jtis = input['credentials'] as string[]
      await noteRevocations(deps.pool, space.uri, jtis, now())
      return undefined
    },
  })
}

type Notice = Omit<PlacedNotice, 'space'>
type Told = { did: string; rev: string; hash: Uint8Array }
type From = { space: Space; caller: ServiceCaller }

async function takeWrite(deps: Deps, { space, caller }: From, told: Told): Promise<void> {
  if (caller.aud !== `${space.authority}${SPACE_HOST}`) throw unauthorized('BadJwtAudience')
  if (caller.did !== told.did) throw unauthorized('BadJwtIssuer')
  const hosted = await deps.spaces.require(space)
  const verdict = await deps.decide(hosted, told.did, 'write')
  if (verdict === 'no') throw forbidden('UserNotAuthorized')
  if (verdict === 'unknown') throw forbidden('NotAuthorized')
  if (await noteWriter(deps.pool, { space: space.uri, ...told })) deps.wrote(space.uri)
}

async function takeForward(
  syncer: SyncerPort | undefined,
  { space, caller }: From,
  notice: Notice,
): Promise<void> {
  if (caller.did !== space.authority) throw unauthorized('BadJwtIssuer')
  if (!notice.spaceRev) throw new InvalidRequestError('An authority tells the spaceRev of a write.')
  if (!(await syncer?.notified({ ...notice, space: space.uri }))) throw refused('SpaceNotFound')
}

function isHost(aud: string): boolean {
  return aud.endsWith(SPACE_HOST)
}

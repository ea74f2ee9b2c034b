import { InvalidRequestError, type Server } from '@atproto/xrpc-server'
import type { SqlPool } from '../../database/sql.ts'
import { IdentityUnavailable } from '../../identity/fetch-document.ts'
import { refused } from '../answers.ts'
import { addressOf } from '../call-service.ts'
import type { CredentialCaller } from '../credential-caller.ts'
import type { HostedSpace, HostedSpaces } from '../hosted-spaces.ts'
import { type Exchange, route, spaceOf } from '../mount.ts'
import { pageOf } from '../own-spaces.ts'
import type { HostPorts } from '../ports.ts'
import { mayAskHost } from '../repo-reader.ts'
import { nsid } from '../wire.ts'
import { listWriters } from '../writers.ts'

type Deps = {
  credential: (exchange: Exchange) => Promise<CredentialCaller>
  pool: SqlPool
  spaces: HostedSpaces
  resolver: HostPorts['resolver']
  /** Gives the writes of this node's own repos their place in the space. */
  putInOrder: (space: HostedSpace) => Promise<unknown>
  now: () => Date
}

const REGISTERED_MS = 24 * 3_600_000
const SERVICE_MAX = 2_048
/** Registrations of one space; whoever holds a credential may add some. */
const SYNCERS_MAX = 500

/** `listRepos`, `registerNotify` and `unregisterNotify`: what a syncer asks the host of a space. */
export function followSpace(server: Server, deps: Deps): void {
  const { credential: caller, pool, spaces, now } = deps
  const hostedFor = (value: unknown, reader: CredentialCaller) => {
    const space = spaceOf(value)
    mayAskHost(reader, space)
    return spaces.require(space)
  }
  route(server, nsid.listRepos, {
    caller,
    answer: async ({ input, caller: reader }) => {
      const hosted = await hostedFor(input['space'], reader)
      await deps.putInOrder(hosted)
      const { cursor = '', limit } = input as { cursor?: string; limit: number }
      return pageOf(await listWriters(pool, { space: hosted.space, cursor, limit }))
    },
  })
  route(server, nsid.registerNotify, {
    caller,
    answer: async ({ input, caller: reader }) => {
      const { space } = await hostedFor(input['space'], reader)
      const service = await reachable(deps.resolver, String(input['service']))
      const expiresAt = new Date(now().getTime() + REGISTERED_MS)
      await pool.query('delete from repo.syncer where space = $1 and "expiresAt" < $2', [
        space,
        now(),
      ])
      const { rowCount } = await pool.query(REGISTER, [space, service, expiresAt, SYNCERS_MAX])
      if (!rowCount) throw new InvalidRequestError('Too many services follow this space already.')
      return { expiresAt: expiresAt.toISOString() }
    },
  })
  route(server, nsid.unregisterNotify, {
    caller,
    answer: async ({ input, caller: reader }) => {
      const { space } = await hostedFor(input['space'], reader)
      const key = [space, input['service']]
      await pool.query('delete from repo.syncer where space = $1 and service = $2', key)
      await pool.query('delete from repo.forward where space = $1 and service = $2', key)
      return undefined
    },
  })
}

/** The service, if its document names an address for it. */
async function reachable(resolver: Deps['resolver'], service: string): Promise<string> {
  if (service.length > SERVICE_MAX || !/^did:[^#\s]+(#[\w.-]+)?$/.test(service))
    throw refused('ServiceNotResolvable')
  const address = await addressOf(resolver, service).catch((error: unknown) => {
    if (error instanceof IdentityUnavailable) return undefined
    throw error
  })
  if (!address) throw refused('ServiceNotResolvable')
  return service
}

const REGISTER = `
  insert into repo.syncer (space, service, "expiresAt")
  select $1, $2, $3 where (select count(*) from repo.syncer where space = $1) < $4
    or exists (select 1 from repo.syncer where space = $1 and service = $2)
  on conflict (space, service) do update set "expiresAt" = excluded."expiresAt"`

import type { IncomingMessage } from 'node:http'
import { type Main, type l, getMain } from '@atproto/lex'
import { AuthRequiredError, InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { notFound } from '../../not-found.ts'
import { type Mount } from '../../serve.ts'

/** A host as administrators see it. */
export type KnownHost = {
  readonly host: string
  readonly kind: 'pds' | 'relay'
  readonly namedBy: string
  readonly whole: boolean
  readonly banned: string | null
}

/** How a host that is listened to is doing. */
type State = {
  readonly connected: boolean
  readonly lastSeq: number | undefined
  readonly queued: number
  readonly lastEventAt: Date | undefined
}

/** The hosts of this node, for its administrator. */
export type HostAdmin = {
  readonly rows: () => readonly KnownHost[]
  readonly states: () => ReadonlyMap<string, State>
  readonly add: (host: Pick<KnownHost, 'host' | 'kind' | 'whole'>) => Promise<void>
  readonly ban: (host: string, reason: string) => Promise<void>
  readonly unban: (host: string) => Promise<void>
}

type Deps = {
  readonly hosts: HostAdmin
  /** Whether an `authorization` header is the administrator's. */
  readonly isAdmin: (header: string | undefined) => boolean
  /** The own PDS, which is always listened to. */
  readonly ownHost: string
  readonly development: boolean
}

/** `federation.listHosts`, `addHost`, `banHost` and `unbanHost`, for the administrator only. */
export function hosts(mount: Pick<Mount, 'server'>, deps: Deps): void {
  const { hosts: known } = deps
  admin(mount, deps, co.kendev.federation.listHosts, async ({ params }) => {
    const { limit, cursor = '' } = params
    const rows = known.rows().toSorted((a, b) => (a.host < b.host ? -1 : 1))
    const rest = rows.filter(({ host }) => host > cursor)
    const items = rest.slice(0, limit).map((row) => viewOf(row, known))
    return { items, ...(rest.length > limit && { cursor: rest[limit - 1]!.host }) }
  })

  admin(mount, deps, co.kendev.federation.addHost, async ({ input }) => {
    const { host, kind = 'pds', whole = false } = input
    const origin = originOf(host, deps)
    if (!isKind(kind)) throw invalid(`${kind} is no kind of host.`)
    if (find(known, origin)?.banned != null)
      throw new InvalidRequestError(`${origin} is banned. Lift the ban first.`, 'HostBanned')
    await known.add({ host: origin, kind, whole })
    if (!known.states().has(origin))
      throw new InvalidRequestError(
        'This node listens to as many hosts as it may.',
        'LimitExceeded',
      )
    return viewOf(find(known, origin)!, known)
  })

  admin(mount, deps, co.kendev.federation.banHost, async ({ input }) => {
    const { host, reason } = input
    const origin = originOf(host, deps)
    await known.ban(origin, reason)
    return viewOf(find(known, origin)!, known)
  })

  admin(mount, deps, co.kendev.federation.unbanHost, async ({ input }) => {
    const origin = originOf(input.host, deps)
    if (find(known, origin)?.banned == null) throw notFound(`ban of ${origin}`)
    await known.unban(origin)
    return viewOf(find(known, origin)!, known)
  })
}

/** Mounts a method that only the administrator's password opens. */
function admin<M extends l.Query | l.Procedure>(
  { server }: Pick<Mount, 'server'>,
  { isAdmin }: Deps,
  ns: Main<M>,
  answer: (call: {
    params: l.InferMethodParams<M>
    input: l.InferMethodInputBody<M>
  }) => Promise<object>,
): void {
  const config = {
    auth: async ({ req }: { req: IncomingMessage }) => {
      if (!isAdmin(req.headers.authorization))
        throw new AuthRequiredError('This method needs the password of the administrator.')
      return { credentials: {} }
    },
    handler: async ({ params, input }: { params: never; input?: { body: never } }) => ({
      encoding: 'application/json',
      body: await answer({ params, input: input?.body as never }),
    }),
  }
  server.add(getMain(ns), config as never)
}

function find(known: HostAdmin, host: string): KnownHost | undefined {
  return known.rows().find((row) => row.host === host)
}

/** The origin of a host that others may name; throws `InvalidHost`. */
function originOf(host: string, { ownHost, development }: Deps): string {
  const url = URL.parse(host)
  const plain = development && url?.protocol === 'http:'
  if (url === null || (url.protocol !== 'https:' && !plain)) throw invalid(`${host} is no origin.`)
  if (url.origin === ownHost) throw invalid('A node always listens to itself.')
  return url.origin
}

function isKind(kind: string): kind is KnownHost['kind'] {
  return kind === 'pds' || kind === 'relay'
}

function invalid(message: string): InvalidRequestError {
  return new InvalidRequestError(message, 'InvalidHost')
}

function viewOf({ banned, host, kind, namedBy, whole }: KnownHost, known: HostAdmin): object {
  const state = known.states().get(host)
  const told = { host, kind, namedBy, whole, connected: state?.connected ?? false }
  return {
    ...told,
    ...(banned !== null && { banned }),
    ...(state && { queued: state.queued }),
    ...(state?.lastSeq !== undefined && { cursor: state.lastSeq }),
    ...(state?.lastEventAt && { lastEventAt: state.lastEventAt.toISOString() }),
  }
}

import { isValidDid } from '@atproto/syntax'
import type { Outbound } from '../outbound/fetch.ts'
import { OutboundError } from '../outbound/outbound-error.ts'
import { limitedPieces, readLimitedJson } from '../outbound/read-limited.ts'
import type { HostApi, Page } from './host-api.ts'
import { type Refusal, refuse } from './refusal.ts'
import type { ListedRepo } from './store.ts'

/** Bytes and milliseconds that a host's answer may take. */
export type HostApiLimits = { repoBytes: number; repoMs: number; jsonBytes: number; jsonMs: number }

const LIMITS: HostApiLimits = {
  repoBytes: 512_000_000,
  repoMs: 600_000,
  jsonBytes: 4_000_000,
  jsonMs: 20_000,
}
const PAGE = 500
const ITEMS_MAX = 10_000
const TEXT_MAX = 256
const CURSOR_MAX = 2_048

type Query = Record<string, string | number | undefined>
type Fields = Readonly<Record<string, unknown>>

/** Asks hosts over XRPC (`com.atproto.sync.*`). What they answer is read within limits, and only
 *  what has the shape of an answer is passed on: a page may lack items that make no sense. */
export function createHostApi(options: {
  outbound: Outbound
  limits?: Partial<HostApiLimits>
}): HostApi {
  const limits = { ...LIMITS, ...options.limits }
  const { outbound } = options

  const call = (service: string, method: string, query: Query, timeoutMs: number) =>
    outbound(addressOf(service, method, query), { timeoutMs })

  async function ask(service: string, method: string, query: Query): Promise<Fields> {
    const response = await call(service, method, query, limits.jsonMs)
    if (!response.ok) throw unreachable(service, response.status, await errorOf(response))
    return fieldsOf(await readLimitedJson(response, limits.jsonBytes))
  }

  return {
    async repo(service, did) {
      const response = await call(service, 'getRepo', { did }, limits.repoMs)
      if (response.ok) return { ok: true, body: limitedPieces(response, limits.repoBytes) }
      const name = await errorOf(response)
      const refusal = refusals[name]
      if (refusal === undefined) throw unreachable(service, response.status, name)
      return refusal(`${service} answered ${name}`)
    },
    async repoStatus(service, did) {
      const response = await call(service, 'getRepoStatus', { did }, limits.jsonMs)
      if (!response.ok) {
        const name = await errorOf(response)
        if (name === 'RepoNotFound') return undefined
        throw unreachable(service, response.status, name)
      }
      const { active, status, rev } = fieldsOf(await readLimitedJson(response, limits.jsonBytes))
      if (typeof active !== 'boolean') throw new OutboundError('NotJson', 'active is missing')
      return { active, ...(isText(status) && { status }), ...(isText(rev) && { rev }) }
    },
    async listRepos(service, cursor) {
      const page = await ask(service, 'listRepos', { limit: PAGE, cursor })
      return pageOf(page, 'repos', listedRepo)
    },
    async listReposByCollection(service, collection, cursor) {
      const query = { collection, limit: PAGE, cursor }
      const page = await ask(service, 'listReposByCollection', query)
      return pageOf(page, 'repos', ({ did }) => (isDid(did) ? did : undefined))
    },
    async listHosts(service, cursor) {
      const page = await ask(service, 'listHosts', { limit: PAGE, cursor })
      return pageOf(page, 'hosts', ({ hostname }) =>
        isText(hostname) ? URL.parse(`https://${hostname}`)?.origin : undefined,
      )
    },
  }
}

function addressOf(service: string, method: string, query: Query): URL {
  const url = new URL(`/xrpc/com.atproto.sync.${method}`, service)
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, String(value))
  return url
}

const refusals: Readonly<Record<string, (detail: string) => Refusal>> = {
  RepoNotFound: (detail) => refuse('RepoNotFound', detail),
  RepoTakendown: (detail) => refuse('RepoTakendown', detail),
  RepoSuspended: (detail) => refuse('RepoSuspended', detail),
  RepoDeactivated: (detail) => refuse('RepoDeactivated', detail),
}

/** The error name of an XRPC answer; empty for anything else. */
async function errorOf(response: Response): Promise<string> {
  try {
    const { error } = fieldsOf(await readLimitedJson(response, 10_000))
    return isText(error) ? error : ''
  } catch {
    return ''
  }
}

function unreachable(service: string, status: number, name: string): OutboundError {
  return new OutboundError('Unreachable', `${service} answered ${status} ${name}`)
}

function pageOf<T>(page: Fields, name: string, read: (item: Fields) => T | undefined): Page<T> {
  const { cursor } = page
  const found = page[name]
  if (!Array.isArray(found) || found.length > ITEMS_MAX)
    throw new OutboundError('NotJson', `${name} is no list, or one too long`)
  const items = found.flatMap((item: unknown) => (isFields(item) ? (read(item) ?? []) : []))
  const more = typeof cursor === 'string' && cursor !== '' && cursor.length <= CURSOR_MAX
  return { items: items as T[], ...(more && { cursor }) }
}

function listedRepo({ did, rev, active = true, status }: Fields): ListedRepo | undefined {
  if (!isDid(did) || !isText(rev) || typeof active !== 'boolean') return undefined
  return { did, rev, active, ...(isText(status) && { status }) }
}

function fieldsOf(value: unknown): Fields {
  if (isFields(value)) return value
  throw new OutboundError('NotJson', 'the answer is no object')
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= TEXT_MAX
}

function isDid(value: unknown): value is string {
  return isText(value) && isValidDid(value)
}

import { IdentityUnavailable } from '../identity/fetch-document.ts'
import { serviceOf, spaceAuthorityOf } from '../identity/space-authority.ts'
import { OutboundError } from '../outbound/outbound-error.ts'
import { readLimitedJson } from '../outbound/read-limited.ts'
import type { HostPorts } from './ports.ts'
import { makeServiceToken } from './service-token.ts'
import { SPACE_HOST } from './wire.ts'

/** What came of a call to another service. `later` may go better when it is tried again. */
export type CallOutcome =
  | { kind: 'done'; body: unknown }
  | { kind: 'refused'; reason: string }
  | { kind: 'later'; reason: string }

/** A call of a method that `iss`, an account of this node, makes of the service `aud`. */
export type ServiceCall = {
  iss: string
  /** a DID with the fragment of one of its services, or of an account, whose PDS is called */
  aud: string
  lxm: string
  /** of a query; a procedure has `body` instead */
  params?: Readonly<Record<string, string>>
  body?: object
}

type Ports = Pick<HostPorts, 'resolver' | 'outbound' | 'accounts' | 'timers'>

const TIMEOUT_MS = 10_000
const ANSWER_MAX = 65_536

/** Calls it with service auth at the address in its DID document, which is others' to choose, so
 *  only through the outbound `fetch`. Never throws for what others do. */
export async function callService(ports: Ports, call: ServiceCall): Promise<CallOutcome> {
  try {
    const origin = await addressOf(ports.resolver, call.aud)
    if (!origin) return { kind: 'refused', reason: 'ServiceNotResolvable' }
    const response = await request(ports, origin, call)
    if (response.ok) return { kind: 'done', body: await readLimitedJson(response, ANSWER_MAX) }
    const said = await readLimitedJson(response, ANSWER_MAX).catch(() => undefined)
    const reason = `${response.status} ${nameIn(said)}`.slice(0, 200)
    return { kind: mayGoBetter(response.status, reason) ? 'later' : 'refused', reason }
  } catch (error) {
    if (error instanceof OutboundError && error.reason === 'ForbiddenUrl')
      return { kind: 'refused', reason: error.reason }
    // An empty or odd body of a procedure that was carried out is nothing to repeat it for.
    if (error instanceof OutboundError && error.reason === 'NotJson' && call.body)
      return { kind: 'done', body: undefined }
    if (error instanceof OutboundError || error instanceof IdentityUnavailable)
      return { kind: 'later', reason: error.message }
    throw error
  }
}

/** The origin of a service identifier, as its DID document has it now; undefined or empty for one
 *  that cannot be called. A bare DID is an account, called at its PDS. */
export async function addressOf(
  resolver: Ports['resolver'],
  service: string,
): Promise<string | undefined> {
  const [did = '', fragment] = service.split('#')
  const document = await resolver.document(did)
  if (!document) return undefined
  if (fragment === undefined) return serviceOf(document, '#atproto_pds')
  if (`#${fragment}` === SPACE_HOST) return spaceAuthorityOf(document)?.host
  return serviceOf(document, `#${fragment}`)
}

async function request(ports: Ports, origin: string, call: ServiceCall): Promise<Response> {
  const { iss, aud, lxm, params = {}, body } = call
  const sign = ports.accounts.sign(iss)
  const token = await makeServiceToken({ iss, aud, lxm, now: ports.timers.now(), sign })
  const url = new URL(`/xrpc/${lxm}`, origin)
  for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value)
  return ports.outbound(url, {
    timeoutMs: TIMEOUT_MS,
    method: body ? 'POST' : 'GET',
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/json',
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  })
}

/** A token may be taken once the other side has seen a new key; a clock ahead comes back. */
function mayGoBetter(status: number, reason: string): boolean {
  return status >= 500 || [401, 408, 429].includes(status) || reason.endsWith('FutureRev')
}

function nameIn(body: unknown): string {
  const { error } = (body ?? {}) as { error?: unknown }
  return typeof error === 'string' ? error : ''
}

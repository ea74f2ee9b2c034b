import type { Outbound } from '../outbound/fetch.ts'
import { readLimitedJson } from '../outbound/read-limited.ts'
import { reviveBytes } from '../tokens/json-bytes.ts'

/** A method of a validator that others call. */
export type PeerMethod =
  | 'submitTransfer'
  | 'submitCertificate'
  | 'readAccountState'
  | 'readCertified'
  | 'readCheckpoint'
  | 'readEpochs'
  | 'readSeal'
  | 'readStateRoot'
  | 'closeEpoch'
  | 'concludeEpoch'
  | 'signEpoch'
  | 'enterEpoch'
  | 'listVouches'
  | 'listEndorsements'

/** What a validator has answered: its fields as they came, or an error by its name. */
export type PeerReply =
  | { readonly ok: true; readonly body: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly error: string; readonly message: string }

/** Most of an answer that is read. */
const REPLY_BYTES_MAX = 8_000_000

/** Asks a validator at its endpoint: with a `body` by POST, else by GET. Never rejects: one that
 *  cannot be reached, or answers what is no answer, is `Unreachable`. */
export async function askPeer(
  fetch: Outbound,
  endpoint: string,
  method: PeerMethod,
  call: {
    readonly query?: Readonly<Record<string, string | number | undefined>>
    readonly body?: object
    readonly token?: string
  },
): Promise<PeerReply> {
  const { query = {}, body, token } = call
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) given.set(name, String(value))
  }
  const url = `${endpoint}/xrpc/co.kendev.tokens.${method}`
  const search = given.toString()
  try {
    const response = await fetch(search === '' ? url : `${url}?${search}`, {
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
      headers: {
        ...(body && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
    })
    const read = reviveBytes(await readLimitedJson(response, REPLY_BYTES_MAX))
    if (typeof read !== 'object' || read === null) return unreachable('an answer that is none')
    const fields = read as Record<string, unknown>
    if (response.ok) return { ok: true, body: fields }
    const { error, message = `status ${response.status}` } = fields
    return typeof error === 'string'
      ? { ok: false, error, message: String(message) }
      : unreachable(`status ${response.status}`)
  } catch (error) {
    return unreachable(error instanceof Error ? error.message : 'no answer')
  }
}

function unreachable(message: string): PeerReply {
  return { ok: false, error: 'Unreachable', message }
}

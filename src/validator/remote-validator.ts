import { type Bytes, fromBytes, toBytes } from '@atcute/cbor'
import type { Attestation } from '../tokens/attestation.ts'
import type { CertifiedBytes, PeerAnswer, ValidatorPeer } from '../tokens/drive-transfer.ts'
import type { Submission } from '../tokens/check-order.ts'
import { reviveBytes } from '../tokens/json-bytes.ts'
import type { Reason } from '../tokens/refusal.ts'

/** Fetches from another node; bounded in time and size, and not from inside our own network. */
export type PeerFetch = (url: string, init: RequestInit) => Promise<Response>

type Certified = { account: string; record: Bytes; certificate: Bytes }

/** A validator elsewhere, by its endpoint. What it answers is only read here; the caller checks. */
export function remoteValidator(
  fetch: PeerFetch,
  peer: { readonly did: string; readonly endpoint: string },
  ledger: string,
  submission?: Submission,
): ValidatorPeer {
  const ask = async (method: string, body: object): Promise<PeerAnswer> => {
    const answer = await call(fetch, `${peer.endpoint}/xrpc/co.kendev.tokens.${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ledger, ...body }),
    })
    return 'error' in answer ? refusalOf(answer) : answerOf(answer)
  }
  return {
    did: peer.did,
    submit: async () => {
      if (!submission) return { ok: false, reason: 'NotInRepo', detail: 'no proof to submit' }
      const { account, record, car } = submission
      return ask('submitTransfer', { account, record: toBytes(record), car: toBytes(car) })
    },
    apply: ({ account, record, certificate }) =>
      ask('submitCertificate', {
        account,
        record: toBytes(record),
        certificate: toBytes(certificate),
      }),
    since: async (account, from) => (await listFrom(fetch, peer, { ledger, account, from })).items,
  }
}

/** Transfers that a validator has applied; nothing when it cannot be asked. */
export async function listFrom(
  fetch: PeerFetch,
  { endpoint }: { readonly endpoint: string },
  asked: { ledger: string; account?: string; from?: number; cursor?: string },
): Promise<{ items: CertifiedBytes[]; cursor?: string }> {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(asked)) query.set(name, String(value))
  const url = `${endpoint}/xrpc/co.kendev.tokens.readCertified?${query.toString()}`
  const answer = await call(fetch, url, { method: 'GET' })
  if ('error' in answer || !Array.isArray(answer['items'])) return { items: [] }
  const items = (answer['items'] as Certified[]).map(certifiedOf)
  const { cursor } = answer
  return { items, ...(typeof cursor === 'string' && { cursor }) }
}

type Failure = { readonly error: string; readonly message: string }

async function call(
  fetch: PeerFetch,
  url: string,
  init: RequestInit,
): Promise<Record<string, unknown> | Failure> {
  try {
    const response = await fetch(url, init)
    const body = reviveBytes(await response.json()) as Record<string, unknown>
    if (response.ok) return body
    return {
      error: typeof body['error'] === 'string' ? body['error'] : 'Unreachable',
      message: typeof body['message'] === 'string' ? body['message'] : `status ${response.status}`,
    }
  } catch (error) {
    return { error: 'Unreachable', message: error instanceof Error ? error.message : 'no answer' }
  }
}

function refusalOf({ error, message }: Failure | Record<string, unknown>): PeerAnswer {
  return { ok: false, reason: error as Reason, detail: String(message) }
}

function answerOf(body: Record<string, unknown>): PeerAnswer {
  const { applied, attestation } = body
  if (applied) return { ok: true, applied: certifiedOf(applied as Certified) }
  return { ok: true, attestation: attestation as Attestation }
}

function certifiedOf({ account, record, certificate }: Certified): CertifiedBytes {
  return { account, record: fromBytes(record), certificate: fromBytes(certificate) }
}

import { fromBytes, isBytes, toBytes } from '@atcute/cbor'
import type { Outbound } from '../outbound/fetch.ts'
import type { Attestation } from '../tokens/attestation.ts'
import type { Submission } from '../tokens/check-order.ts'
import type { CertifiedBytes, PeerAnswer, ValidatorPeer } from '../tokens/drive-transfer.ts'
import type { Reason } from '../tokens/refusal.ts'
import { type PeerReply, askPeer } from './ask-peer.ts'

/** Certified transfers that are asked for at once. */
const PAGE = 50

/** A validator elsewhere, by its endpoint. Its answers are only taken apart here; what they claim
 *  is for the caller to check. Never rejects, whatever it is answered. */
export function remoteValidator(
  fetch: Outbound,
  peer: { readonly did: string; readonly endpoint: string },
  ledger: string,
  submission?: Submission,
): ValidatorPeer {
  const { did, endpoint } = peer
  return {
    did,
    submit: async () => {
      if (!submission) return { ok: false, reason: 'NotInRepo', detail: 'no proof to submit' }
      const { account, record, car } = submission
      const body = { ledger, account, record: toBytes(record), car: toBytes(car) }
      return answerOf(await askPeer(fetch, endpoint, 'submitTransfer', { body }))
    },
    apply: async ({ account, record, certificate }) => {
      const bytes = { record: toBytes(record), certificate: toBytes(certificate) }
      const body = { ledger, account, ...bytes }
      return answerOf(await askPeer(fetch, endpoint, 'submitCertificate', { body }))
    },
    since: async (account, from) => (await listFrom(fetch, peer, { ledger, account, from })).items,
  }
}

/** Transfers that a validator has applied; nothing when it cannot be asked. */
export async function listFrom(
  fetch: Outbound,
  { endpoint }: { readonly endpoint: string },
  asked: {
    ledger: string
    account?: string
    from?: number
    /** Only what was applied in this epoch. */
    epoch?: number
    cursor?: string | undefined
  },
): Promise<{ items: CertifiedBytes[]; cursor?: string }> {
  const query = { ...asked, limit: PAGE }
  const reply = await askPeer(fetch, endpoint, 'readCertified', { query })
  if (!reply.ok || !Array.isArray(reply.body['items'])) return { items: [] }
  const items = reply.body['items'].slice(0, PAGE).flatMap((one) => certifiedOf(one) ?? [])
  const { cursor } = reply.body
  return { items, ...(typeof cursor === 'string' && { cursor }) }
}

function answerOf(reply: PeerReply): PeerAnswer {
  if (!reply.ok) return { ok: false, reason: reply.error as Reason, detail: reply.message }
  const { applied, attestation } = reply.body
  if (applied === undefined) return { ok: true, attestation: attestation as Attestation }
  const read = certifiedOf(applied)
  return read
    ? { ok: true, applied: read }
    : { ok: false, reason: 'Unreachable', detail: 'what was applied is not in the answer' }
}

function certifiedOf(value: unknown): CertifiedBytes | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { account, record, certificate } = value as Record<string, unknown>
  if (typeof account !== 'string' || !isBytes(record) || !isBytes(certificate)) return undefined
  return { account, record: fromBytes(record), certificate: fromBytes(certificate) }
}

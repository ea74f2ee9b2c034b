import { readFile } from 'node:fs/promises'
import { isValidDid } from '@atproto/syntax'
import { systemClock } from '../clock.ts'
import { verifyRecordProof } from '../firehose/proof.ts'
import { type Refusal, refuse } from '../firehose/refusal.ts'
import { splitPath } from '../firehose/record-path.ts'
import { openSignedRepo, readRecords } from '../firehose/signed-repo.ts'
import { IdentityUnavailable } from '../identity/fetch-document.ts'
import { type Identity, identityOf, parseDocument } from '../identity/identity.ts'
import { OutboundError } from '../outbound/outbound-error.ts'
import { readLimited } from '../outbound/read-limited.ts'
import { fileFault } from './command.ts'
import type { Outside } from './outside.ts'

/** A whole repo, or with a path one record of it. */
export type Target = { readonly did: string; readonly collection?: string; readonly rkey?: string }

/** What has been proved, and by which key. */
export type Proved = {
  readonly ok: true
  readonly identity: Identity
  readonly commit: string
  readonly rev: string
} & (
  | { readonly way: readonly string[]; readonly cid: string; readonly bytes: Uint8Array }
  | { readonly way: readonly string[]; readonly cid: null }
  | { readonly root: string; readonly counts: Readonly<Record<string, number>> }
)

/** Why nothing was proved: a refusal by its name, or `Unreachable` and what a host answered. */
export type Unproved = { readonly ok: false; readonly reason: string; readonly detail: string }

type Files = { readonly car?: string; readonly document?: string }

const CAR_MAX_BYTES = 1_000_000_000
const TIMEOUT_MS = 10 * 60_000

/** A DID, or an at-uri of a record with a DID in it; undefined for anything else. */
export function readTarget(text: string): Target | undefined {
  const [, did = '', path] = /^(?:at:\/\/)?(did:[^/]+)(?:\/(.+))?$/u.exec(text) ?? []
  if (!isValidDid(did)) return undefined
  if (path === undefined) return { did }
  const place = splitPath(path)
  return place && { did, ...place }
}

/** Proves a record or a repo with a CAR and a DID document, each from its file or from where the
 *  account says. */
export async function prove(
  target: Target,
  files: Files,
  outside: Outside,
): Promise<Proved | Unproved> {
  try {
    const identity = await identify(target.did, files, outside)
    if ('ok' in identity) return identity
    const car = files.car
      ? await readFile(files.car).catch(fileFault)
      : await fetchCar(target, identity, outside)
    return 'ok' in car ? car : judge(target, identity, car)
  } catch (error) {
    if (error instanceof OutboundError || error instanceof IdentityUnavailable)
      return { ok: false, reason: 'Unreachable', detail: error.message }
    throw error
  }
}

async function identify(did: string, files: Files, outside: Outside): Promise<Identity | Refusal> {
  if (files.document === undefined)
    return (await outside.resolver.resolve(did)) ?? refuse('NoIdentity', `no document of ${did}`)
  const text = await readFile(files.document, 'utf8').catch(fileFault)
  const document = parseDocument(did, parseJson(text))
  const identity = document && identityOf(document)
  return identity ?? refuse('NoIdentity', `${files.document} is no document of ${did} with a key`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function fetchCar(
  { did, collection, rkey }: Target,
  { pds }: Identity,
  { outbound }: Outside,
): Promise<Uint8Array | Unproved> {
  const query = new URLSearchParams({ did, ...(collection && rkey && { collection, rkey }) })
  const method = collection ? 'getRecord' : 'getRepo'
  const url = `${pds}/xrpc/com.atproto.sync.${method}?${String(query)}`
  const response = await outbound(url, { timeoutMs: TIMEOUT_MS })
  if (response.ok) return readLimited(response, CAR_MAX_BYTES)
  const said = parseJson(new TextDecoder().decode(await readLimited(response, 10_000)))
  const error = said !== null && typeof said === 'object' && 'error' in said ? said.error : ''
  const detail = `${pds} answered ${response.status} ${String(error)}`.trim()
  return { ok: false, reason: 'Unreachable', detail }
}

function judge(target: Target, identity: Identity, car: Uint8Array): Proved | Refusal {
  const now = systemClock.now()
  const { did, collection, rkey } = target
  if (collection && rkey) {
    const proof = verifyRecordProof({ car, did, collection, rkey, identity, now })
    return proof.ok ? { ...proof, identity } : proof
  }
  const repo = openSignedRepo({ car, identity, now })
  if (!repo.ok) return repo
  const read = readRecords(repo)
  if (!read.ok) return read
  const counts: Record<string, number> = {}
  for (const record of read.records)
    counts[record.collection] = (counts[record.collection] ?? 0) + 1
  const { commit, rev, data } = repo
  return { ok: true, identity, commit, rev, root: data.$link, counts }
}

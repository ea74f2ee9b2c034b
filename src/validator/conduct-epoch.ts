import { toBytes } from '@atcute/cbor'
import { encodeRecord } from '../tokens/encoding.ts'
import {
  EPOCH,
  type Epoch,
  type EpochSignature,
  type Handover,
  type ReadEpoch,
  committeeOf,
  readEpoch,
} from '../tokens/epoch.ts'
import { reviveBytes } from '../tokens/json-bytes.ts'
import { quorumOf } from '../tokens/quorum.ts'
import { isRefusal } from '../tokens/refusal.ts'
import { readSeal } from '../tokens/seal.ts'
import type { TokenCrypto } from '../tokens/token-crypto.ts'
import { httpSeals } from './http-seals.ts'
import type { PeerFetch } from './remote-validator.ts'

/** What governance decides about an epoch; what it comes to follows from the seals. */
export type Decided = Pick<Epoch, 'validators' | 'grants' | 'params'> & {
  /** The snapshot of persons, canonical bytes, and its CID. */
  readonly personhood?: { readonly cid: string; readonly record: Uint8Array }
}

type Conduct = {
  readonly crypto: TokenCrypto
  readonly fetch: PeerFetch
  /** A token by which governance is known to a validator, for one request. */
  readonly tokenFor: (validator: string) => Promise<string>
  readonly wait: (ms: number) => Promise<void>
  readonly now: () => string
  /** How long certificates may still be applied once no new votes are given, ms. */
  readonly drainMs: number
}

/**
 * Leads a ledger from one epoch into the next, as its governance: has all validators drain and
 * seal, names a quorum of seals, has a quorum sign what they come to, and tells all. Throws when no
 * quorum seals or signs; the epoch stays as it is then, and the same can be tried again.
 */
export async function conductEpoch(
  by: Conduct,
  before: ReadEpoch,
  decided: Decided,
): Promise<ReadEpoch> {
  const { fetch, crypto } = by
  const { validators } = before.epoch
  const committee = committeeOf(before)
  const { ledger, epoch } = committee
  for (const stage of ['drain', 'seal']) {
    for (const { did, endpoint } of validators) {
      const authorization = `Bearer ${await by.tokenFor(did)}`
      await post(
        fetch,
        methodAt(endpoint, 'closeEpoch'),
        { ledger, epoch, stage },
        { authorization },
      )
    }
    if (stage === 'drain') await by.wait(by.drainMs)
  }
  const source = httpSeals(fetch, ledger, () => validators)
  const seals: { validator: string; cid: string }[] = []
  for (const { did } of validators) {
    const found = await source.seal(did, epoch)
    const read = found && readSeal(crypto, found.record, committee)
    if (read && !isRefusal(read)) seals.push({ validator: did, cid: read.cid })
  }
  if (seals.length < committee.quorum) {
    throw new Error(`${seals.length} of ${committee.quorum} validators have sealed epoch ${epoch}`)
  }
  const draft = await draftOf(by, before, decided, seals.slice(0, committee.quorum))
  const signatures: EpochSignature[] = []
  const refusals: string[] = []
  for (const { did, endpoint } of validators) {
    const answer = await post(fetch, methodAt(endpoint, 'signEpoch'), {
      ledger,
      epoch: toBytes(encodeRecord(draft)),
    })
    if (answer['signature']) signatures.push(answer['signature'] as EpochSignature)
    else refusals.push(`${did}: ${String(answer['error'])} ${String(answer['message'])}`)
  }
  const next = readEpoch(crypto, encodeRecord({ ...draft, signatures }))
  if (isRefusal(next) || signatures.length < committee.quorum) {
    throw new Error(
      `${signatures.length} of ${committee.quorum} have signed; ${refusals.join('; ')}`,
    )
  }
  await tellAll(by, next, [...validators, ...decided.validators], decided)
  return next
}

async function draftOf(
  by: Conduct,
  before: ReadEpoch,
  { validators, grants, params, personhood }: Decided,
  seals: readonly { readonly validator: string; readonly cid: string }[],
): Promise<Epoch> {
  const { code, scale, supplyCap, governance, epoch } = before.epoch
  return {
    $type: EPOCH,
    ledger: committeeOf(before).ledger,
    epoch: epoch + 1,
    prev: before.id,
    code,
    scale,
    supplyCap,
    governance,
    validators,
    quorum: quorumOf(validators.length),
    grants,
    params,
    ...(personhood && { personhood: personhood.cid }),
    handover: { seals, ...(await conclusionOf(by, before, seals)) },
    createdAt: by.now(),
    signatures: [],
  }
}

/** What the epoch comes to, as the first validator says that answers. A lie gets no signatures. */
async function conclusionOf(
  { fetch }: Conduct,
  before: ReadEpoch,
  seals: Handover['seals'],
): Promise<Omit<Handover, 'seals'>> {
  const { ledger } = committeeOf(before)
  const said: string[] = []
  for (const { endpoint } of before.epoch.validators) {
    const answer = await post(fetch, methodAt(endpoint, 'concludeEpoch'), { ledger, seals })
    if (answer['stateRoot']) return answer as unknown as Omit<Handover, 'seals'>
    said.push(`${endpoint}: ${String(answer['error'])} ${String(answer['message'])}`)
  }
  throw new Error(`no validator says what the epoch comes to: ${said.join('; ')}`)
}

async function tellAll(
  { fetch }: Conduct,
  next: ReadEpoch,
  validators: readonly { readonly endpoint: string }[],
  { personhood }: Decided,
): Promise<void> {
  const body = {
    ledger: next.epoch.ledger,
    epoch: toBytes(encodeRecord(next.epoch)),
    ...(personhood && { personhood: toBytes(personhood.record) }),
  }
  const endpoints = new Set(validators.map(({ endpoint }) => endpoint))
  await Promise.all(
    [...endpoints].map((endpoint) => post(fetch, methodAt(endpoint, 'enterEpoch'), body)),
  )
}

async function post(
  fetch: PeerFetch,
  url: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<Record<string, unknown>> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    return reviveBytes(await response.json()) as Record<string, unknown>
  } catch (error) {
    return { error: 'Unreachable', message: error instanceof Error ? error.message : '' }
  }
}

function methodAt(
  endpoint: string,
  method: 'closeEpoch' | 'signEpoch' | 'enterEpoch' | 'concludeEpoch',
) {
  return `${endpoint}/xrpc/co.kendev.tokens.${method}`
}

import { toBytes } from '@atcute/cbor'
import { InvalidRequestError, type Server } from '@atproto/xrpc-server'
import { nativeCrypto } from '../crypto/native.ts'
import { co } from '../lexicons/index.ts'
import { encodeRecord } from '../tokens/encoding.ts'
import { emptyAccount } from '../tokens/account.ts'
import { ImpossibleStep, isRefusal } from '../tokens/refusal.ts'
import type { Applied } from '../tokens/ledger-view.ts'
import type { Answer } from '../tokens/validator.ts'
import type { Desk } from './desk.ts'
import { addMethod, requireLedger } from './mount.ts'
import { type CertifiedRow, listApplied, listEpochRecords } from './read-ledger.ts'
import { stateFigures } from './state-figures.ts'

/** Mounts what a validator answers. Anybody may ask: what they send carries its own proofs. */
export function mountValidator(server: Server, desk: Desk): void {
  const { opened, sql } = desk
  const ledger = opened.genesis.id
  const tokens = co.kendev.tokens
  addMethod(server, tokens.submitTransfer, async ({ input }) => {
    requireLedger(ledger, input.ledger)
    const { account, record, car } = input
    return answerOf(await running(() => desk.submit({ account, record, car })))
  })
  addMethod(server, tokens.submitCertificate, async ({ input }) => {
    requireLedger(ledger, input.ledger)
    const { account, record, certificate } = input
    return answerOf(await running(() => desk.apply(account, record, certificate)))
  })
  addMethod(server, tokens.readCertified, async ({ params }) => {
    requireLedger(ledger, params.ledger)
    const { account, from, credited, limit, cursor } = params
    if (cursor !== undefined) pageAt(cursor)
    const asked = {
      limit,
      ...(account !== undefined && { account }),
      ...(from !== undefined && { from }),
      ...(credited !== undefined && { credited }),
      ...(cursor !== undefined && { after: cursor }),
    }
    const rows = await listApplied(sql, ledger, asked)
    const last = rows.at(-1)?.n ?? cursor
    return { items: rows.map(certifiedOf), ...(last !== undefined && { cursor: last }) }
  })
  addMethod(server, tokens.readAccountState, async ({ params }) => {
    requireLedger(ledger, params.ledger)
    return await stateOf(desk, params.account)
  })
  const figures = stateFigures(nativeCrypto, sql, ledger)
  addMethod(server, tokens.readStateRoot, async ({ params }) => {
    requireLedger(ledger, params.ledger)
    return { ledger, validator: opened.did, ...(await figures()) }
  })
  addMethod(server, tokens.readEpochs, async ({ params }) => {
    requireLedger(ledger, params.ledger)
    const { limit, cursor = '0' } = params
    const from = pageAt(cursor)
    const records = await listEpochRecords(sql, ledger, { from, limit: limit + 1 })
    const items = records.slice(0, limit).map((record) => toBytes(record))
    return { items, ...(records.length > limit && { cursor: String(from + limit) }) }
  })
}

/** Throws for a cursor that no list has given. */
function pageAt(cursor: string): number {
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor)
  throw new InvalidRequestError('Take the cursor from the list before, or leave it out.')
}

async function running(ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof ImpossibleStep)) throw error
    throw new InvalidRequestError(`The validator signs no more: ${error.message}`, 'Halted')
  }
}

function answerOf(answer: Answer): object {
  if (isRefusal(answer)) throw new InvalidRequestError(answer.detail, answer.reason)
  if ('applied' in answer) return { applied: certifiedOf(rowOf(answer.applied)) }
  const { about, attestation } = answer
  return { subject: about, attestation }
}

function rowOf({ account, seq, record, certificate }: Applied): Omit<CertifiedRow, 'n'> {
  const { epoch } = certificate
  return { account, seq, epoch, record, certificate: encodeRecord(certificate) }
}

function certifiedOf({ account, seq, epoch, record, certificate }: Omit<CertifiedRow, 'n'>) {
  return {
    account,
    seq,
    epoch,
    record: toBytes(record),
    certificate: toBytes(certificate),
  }
}

async function stateOf({ opened }: Desk, did: string): Promise<object> {
  const { validator, store } = opened
  const { committee, phase } = validator.current()
  const view = await store.load({
    accounts: [did],
    numbers: [{ account: did, seq: 1 }],
    mints: [],
  })
  const { seq, head, balance } = view.account(did) ?? emptyAccount(did)
  const lock = view.lock(did)
  return {
    ledger: committee.ledger,
    epoch: committee.epoch,
    committee: committee.id,
    phase,
    account: did,
    seq,
    ...(head !== undefined && { head }),
    balance: Number(balance),
    ...(lock && { locked: lock.id }),
  }
}

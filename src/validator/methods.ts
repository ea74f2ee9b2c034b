import { toBytes } from '@atcute/cbor'
import { InvalidRequestError, type Server } from '@atproto/xrpc-server'
import { nativeCrypto } from '../crypto/native.ts'
import { co } from '../lexicons/index.ts'
import { encodeRecord } from '../tokens/encoding.ts'
import { emptyAccount, heldUntilOf } from '../tokens/account.ts'
import { ImpossibleStep, isRefusal } from '../tokens/refusal.ts'
import type { Applied } from '../tokens/ledger-view.ts'
import type { Standing } from '../tokens/state-root.ts'
import type { Answer } from '../tokens/validator.ts'
import type { Desk } from './desk.ts'
import { addMethod } from './mount.ts'
import { readCheckpoint, storedSnapshot } from './read-checkpoint.ts'
import { type CertifiedRow, listApplied } from './read-ledger.ts'
import { type Seat, booksOf, followed, signingOf } from './seat.ts'
import { stateFigures } from './state-figures.ts'

/** Mounts what a validator answers. Anybody may ask: what they send carries its own proofs. A node
 *  that validates nothing answers `LedgerUnknown`, but for the epochs of the ledger it follows. */
export function mountValidator(server: Server, seat: Seat): void {
  const { sql } = seat
  const tokens = co.kendev.tokens
  addMethod(server, tokens.submitTransfer, async ({ input }) => {
    const { desk } = signingOf(seat, input.ledger)
    const { account, record, car } = input
    return answerOf(await running(() => desk.submit({ account, record, car })))
  })
  addMethod(server, tokens.submitCertificate, async ({ input }) => {
    const { desk } = signingOf(seat, input.ledger)
    const { account, record, certificate } = input
    return answerOf(await running(() => desk.apply(account, record, certificate)))
  })
  addMethod(server, tokens.readCertified, async ({ params }) => {
    const ledger = ledgerOf(booksOf(seat, params.ledger).desk)
    const { account, from, credited, epoch, limit, cursor } = params
    if (cursor !== undefined) pageAt(cursor)
    const asked = {
      limit,
      ...(account !== undefined && { account }),
      ...(from !== undefined && { from }),
      ...(credited !== undefined && { credited }),
      ...(epoch !== undefined && { epoch }),
      ...(cursor !== undefined && { after: cursor }),
    }
    const rows = await listApplied(sql, ledger, asked)
    const last = rows.at(-1)?.n ?? cursor
    return { items: rows.map(certifiedOf), ...(last !== undefined && { cursor: last }) }
  })
  addMethod(server, tokens.readAccountState, async ({ params }) => {
    return await stateOf(booksOf(seat, params.ledger).desk, params.account)
  })
  mountLists(server, seat)
}

function mountLists(server: Server, seat: Seat): void {
  const { sql, epochs } = seat
  const tokens = co.kendev.tokens
  const figures = epochs && stateFigures(nativeCrypto, sql, epochs.chain[0]!.id)
  addMethod(server, tokens.readStateRoot, async ({ params }) => {
    const { desk } = booksOf(seat, params.ledger)
    return { ledger: ledgerOf(desk), validator: desk.opened.did, ...(await figures?.()) }
  })
  addMethod(server, tokens.readCheckpoint, async ({ params }) => {
    const { opened } = booksOf(seat, params.ledger).desk
    const { epoch } = opened.validator.current()
    if (epoch.epoch !== params.epoch + 1) {
      throw new InvalidRequestError(`This validator is in epoch ${epoch.epoch}.`, 'NotFound')
    }
    const { cursor: after = '', limit } = params
    const { id } = opened.genesis
    const { accounts, last } = await readCheckpoint(sql, id, { epoch, after, limit })
    const snapshot = after === '' ? await storedSnapshot(sql, id, epoch.epoch) : undefined
    return {
      accounts: accounts.map(standingOf),
      ...(snapshot && { personhood: toBytes(snapshot) }),
      ...(last !== undefined && { cursor: last }),
    }
  })
  addMethod(server, tokens.readEpochs, async ({ params }) => {
    const { chain } = followed(seat, params.ledger)
    const { limit, cursor = '0' } = params
    const from = pageAt(cursor)
    const items = chain.slice(from, from + limit).map(({ epoch }) => toBytes(encodeRecord(epoch)))
    return { items, ...(from + limit < chain.length && { cursor: String(from + limit) }) }
  })
}

function standingOf({ did, balance, ...rest }: Standing): object {
  return { account: did, ...rest, balance: Number(balance) }
}

function ledgerOf({ opened }: Desk): string {
  return opened.genesis.id
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
  const account = view.account(did) ?? emptyAccount(did)
  const { seq, head, balance, spent, angel } = account
  const heldUntil = heldUntilOf(account)
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
    spent: Number(spent),
    ...(angel && { deviceKey: angel.key }),
    ...(heldUntil !== undefined && { heldUntil }),
    ...(lock && { locked: lock.id }),
  }
}

import { emptyAccount } from './account.ts'
import type { Certificate } from './certificate.ts'
import type { Applied, Change, LedgerView, Vote } from './ledger-view.ts'
import { ImpossibleStep, type Refusal, refuse } from './refusal.ts'
import type { Decision } from './submit.ts'
import type { ReadTransfer } from './transfer.ts'

/** What a validator answers a certificate: it has applied it, or what it needs first. */
export type ApplyAnswer = { readonly ok: true; readonly vote: Vote } | Refusal

/**
 * Applies a transfer on a certificate of locks that was found good: debits its account, credits
 * each receiver, once, at its number and no other. The balance is not asked: a quorum has seen the
 * funds, and a validator that lacks the credit they came from is below zero until it has it.
 */
export function decideCertificate(
  view: LedgerView,
  proven: {
    readonly transfer: ReadTransfer
    readonly certificate: Certificate
    /** The sender's key by the certificate. */
    readonly senderKey: string
  },
  now: string,
): Decision<ApplyAnswer> {
  const { transfer: read, certificate } = proven
  const { account: did, transfer, id } = read
  const mismatch = checkMatch(certificate, read)
  if (mismatch) return { changes: [], answer: mismatch }
  const known = view.account(did) ?? emptyAccount(did)
  if (transfer.seq <= known.seq) return again(view, read)
  if (view.current.phase === 'sealed') {
    return { changes: [], answer: refuse('EpochClosing', 'the epoch is sealed') }
  }
  if (transfer.seq > known.seq + 1) {
    const detail = `of ${did} from number ${known.seq + 1}`
    return { changes: [], answer: refuse('NeedCertificates', detail) }
  }
  if (transfer.prev !== known.head) {
    const detail = `a certificate names ${transfer.prev ?? 'none'}, this ledger ${known.head}`
    throw new ImpossibleStep(`two histories of ${did} at number ${transfer.seq}: ${detail}`)
  }
  const applied: Applied = {
    account: did,
    seq: transfer.seq,
    id,
    senderKey: proven.senderKey,
    observedAt: now,
    record: read.bytes,
    certificate,
  }
  return { changes: changesOf(view, read, applied), answer: voteFor(applied, transfer.prev) }
}

function checkMatch(certificate: Certificate, read: ReadTransfer): Refusal | undefined {
  const { transfer, id, account } = read
  if (certificate.phase !== 'lock') return refuse('WrongPhase', certificate.phase)
  if (certificate.transfer !== id) return refuse('WrongTransfer', id)
  if (certificate.account !== account) return refuse('WrongAccount', account)
  if (certificate.ledger !== transfer.ledger) return refuse('WrongLedger', transfer.ledger)
  if (certificate.epoch !== transfer.epoch) return refuse('WrongEpoch', `${transfer.epoch}`)
  if (certificate.seq !== transfer.seq) return refuse('WrongSeq', `${transfer.seq}`)
  if (certificate.prev !== transfer.prev) return refuse('WrongPrev', transfer.prev ?? 'none')
  return undefined
}

/** Applied before: the same vote is given again. */
function again(view: LedgerView, { account, transfer, id }: ReadTransfer): Decision<ApplyAnswer> {
  const applied = view.applied(account, transfer.seq)
  if (applied?.id === id) return { changes: [], answer: voteFor(applied, transfer.prev) }
  if (applied) {
    // A quorum overlaps every other in an honest validator, so this is either a lie about the
    // committee or more faults than the ledger bears: nothing may be signed any more.
    throw new ImpossibleStep(`two certificates for number ${transfer.seq} of ${account}`)
  }
  return { changes: [], answer: refuse('WrongEpoch', 'settled in an epoch that is closed') }
}

function voteFor(applied: Applied, prev: string | undefined): ApplyAnswer {
  const { account, seq, id, senderKey, observedAt } = applied
  const before = prev === undefined ? {} : { prev }
  return { ok: true, vote: { phase: 'apply', account, seq, ...before, id, senderKey, observedAt } }
}

function changesOf(view: LedgerView, read: ReadTransfer, applied: Applied): Change[] {
  const { account: did, transfer, id, total } = read
  const sender = view.account(did) ?? emptyAccount(did)
  const changes: Change[] = [
    {
      change: 'account',
      account: {
        ...sender,
        seq: transfer.seq,
        head: id,
        balance: sender.balance - total,
        spent: sender.spent + total,
      },
    },
    { change: 'applied', applied },
  ]
  const lock = view.lock(did)
  if (lock) changes.push({ change: 'unlock', account: did, seq: lock.seq })
  const isPool = view.current.pools.has(did)
  for (const { to, amount } of transfer.credits) {
    const receiver = view.account(to) ?? emptyAccount(to)
    const credited = { ...receiver, balance: receiver.balance + BigInt(amount) }
    changes.push({ change: 'account', account: credited })
    const given = view.minted(did, to) + BigInt(amount)
    if (isPool) changes.push({ change: 'minted', pool: did, receiver: to, amount: given })
  }
  return changes
}

import type { Clock } from '../clock.ts'
import type { SqlPool } from '../database/sql.ts'
import type { Identity } from '../identity/identity.ts'
import { type Submission, checkOrder } from '../tokens/check-order.ts'
import { readCertificate } from '../tokens/certificate.ts'
import { isRefusal, refuse } from '../tokens/refusal.ts'
import type { TokenCrypto } from '../tokens/token-crypto.ts'
import { readTransfer } from '../tokens/transfer.ts'
import type { Answer } from '../tokens/validator.ts'
import { accountKeys } from './account-keys.ts'
import { inRepoOf } from './in-repo.ts'
import type { OpenedValidator } from './open-validator.ts'

/** What stands between the world and a validator: proofs are checked here. */
export type Desk = {
  readonly opened: OpenedValidator
  readonly sql: SqlPool
  submit(submission: Submission): Promise<Answer>
  apply(account: string, record: Uint8Array, certificate: Uint8Array): Promise<Answer>
}

type DeskParts = {
  readonly opened: OpenedValidator
  readonly sql: SqlPool
  readonly crypto: TokenCrypto
  readonly clock: Clock
  /** Who an account is; with `refresh` as the directory has it now. */
  readonly resolve: (did: string, options?: { refresh: boolean }) => Promise<Identity | undefined>
}

/** Refusals that a key which has changed since would explain. */
const OF_KEYS = new Set(['NotInRepo', 'BadSpendSignature', 'SpendSignatureMissing'])

/** Opens the desk of a validator. */
export function openDesk({ opened, sql, crypto, clock, resolve }: DeskParts): Desk {
  const { validator, genesis } = opened
  const checked = async (submission: Submission, refresh: boolean) => {
    const identity = await resolve(submission.account, { refresh })
    if (!identity) return refuse('IdentityUnknown', submission.account)
    const inRepo = inRepoOf(identity, genesis.epoch.code, clock)
    return checkOrder(crypto, submission, accountKeys(identity), inRepo)
  }
  return {
    opened,
    sql,
    async submit(submission) {
      const order = await checked(submission, false)
      const stale = isRefusal(order) && OF_KEYS.has(order.reason)
      const again = stale ? await checked(submission, true) : order
      return isRefusal(again) ? again : await validator.submit(again)
    },
    async apply(account, record, certificate) {
      const transfer = readTransfer(crypto, account, record)
      if (isRefusal(transfer)) return transfer
      const read: ReturnType<typeof readCertificate> = readCertificate(certificate)
      return isRefusal(read) ? read : await validator.apply(transfer, read.certificate)
    },
  }
}

import type { Timers } from '../clock.ts'
import type { SqlPool } from '../database/sql.ts'
import type { Identity } from '../identity/identity.ts'
import type { Log } from '../log.ts'
import type { Outbound } from '../outbound/fetch.ts'
import type { ReadEpoch } from '../tokens/epoch.ts'
import { isRefusal } from '../tokens/refusal.ts'
import type { TokenCrypto, TokenSigner } from '../tokens/token-crypto.ts'
import { booksThere } from './books.ts'
import { openDesk } from './desk.ts'
import { epochChange } from './epoch-change.ts'
import { fetchCheckpoint, fetchSnapshot } from './fetch-checkpoint.ts'
import { httpSeals } from './http-seals.ts'
import type { KnownEpochs } from './known-epochs.ts'
import { type Beginning, beginWith, openValidator } from './open-validator.ts'
import type { OpenDesk, Seat } from './seat.ts'

type Parts = {
  readonly epochs: KnownEpochs
  readonly sql: SqlPool
  readonly signer: TokenSigner
  readonly crypto: TokenCrypto
  readonly startsFile: string
  readonly resolve: (did: string, how?: { refresh: boolean }) => Promise<Identity | undefined>
  readonly fetch: Outbound
  readonly timers: Timers
  readonly log: Log
}

/** When nobody had the accounts it is tried again after this long, then twice as long, … */
const AGAIN_MS = 1_000
const AGAIN_MAX_MS = 60_000

/** The seat of a node in a ledger that it follows. */
export type TakenSeat = Seat & {
  /** Begins to validate where the newest epoch names the node, or goes over to it where the node is
   *  still in one before. Killed at any point, it does the same again. */
  keepUp(): Promise<void>
}

/**
 * Takes the seat that the epochs known give a node: opens the books there are, and those of a first
 * epoch that names its key. Throws when the key must not sign any more.
 */
export async function takeSeat(parts: Parts): Promise<TakenSeat> {
  const { epochs, sql, signer, startsFile, timers, log } = parts
  const [genesis] = epochs.chain
  const there = await booksThere(sql, genesis!.id, startsFile)
  const named = epochs.chain.findLast((one) => entryOf(one, signer))
  const did = named ? entryOf(named, signer)!.did : there?.did
  const isThere = there !== undefined || entryOf(genesis!, signer) !== undefined
  let open = isThere && did !== undefined ? await openAt(parts, did) : undefined
  let seenBehind: string | undefined
  let [tryAt, failures] = [0, 0]
  const isNamed = () => entryOf(epochs.current(), signer) !== undefined
  return {
    epochs,
    sql,
    desk: () => open,
    validating: () => (isNamed() ? open : undefined),
    async keepUp() {
      const newest = epochs.current()
      const entry = entryOf(newest, signer)
      const behind = !open || numberOf(open) < newest.epoch.epoch
      if (!entry || !behind) return
      // Governance tells everybody; who has heard nothing a round later goes by itself.
      if (open && seenBehind !== newest.id) {
        seenBehind = newest.id
        return
      }
      if (open && (await followsBySeals(parts, open, newest))) return
      if (timers.now().getTime() < tryAt) return
      const key = signer.didKey
      const beginning = await fetchCheckpoint({ ...parts, key }, [...epochs.chain])
      failures = beginning ? 0 : failures + 1
      if (!beginning) {
        // Just after the turn the others may not have gone over themselves.
        tryAt = timers.now().getTime() + Math.min(AGAIN_MS * 2 ** failures, AGAIN_MAX_MS)
        log.warn({ epoch: newest.epoch.epoch }, 'no validator has the accounts to begin with')
      } else if (open) await goOver(parts, open, beginning)
      else open = await openAt(parts, entry.did, beginning)
    },
  }
}

async function openAt(parts: Parts, did: string, beginning?: Beginning): Promise<OpenDesk> {
  const { epochs, sql, signer, crypto, startsFile, resolve, fetch, timers, log } = parts
  const genesis = epochs.chain[0]!
  const books = { sql, genesis, did, signer, crypto, clock: timers, startsFile }
  const opened = await openValidator({ ...books, ...(beginning && { beginning }) })
  const desk = openDesk({ opened, sql, crypto, clock: timers, resolve })
  const now = () => timers.now().toISOString()
  const source = httpSeals(fetch, genesis.id, () => opened.validator.current().epoch.validators)
  const change = epochChange({ opened, crypto, source, now })
  const { epoch } = opened.validator.current()
  const said = { ledger: genesis.id, validator: did, epoch: epoch.epoch }
  log.info(said, 'this node validates a token ledger')
  return { desk, change }
}

/** Goes over by the seals of the epoch before, as one of its validators. */
async function followsBySeals(
  parts: Parts,
  { desk, change }: OpenDesk,
  newest: ReadEpoch,
): Promise<boolean> {
  const { signer, epochs, log } = parts
  const { did, validator } = desk.opened
  const { committee } = validator.current()
  const wasThere = committee.keys.get(did) === signer.didKey
  if (!wasThere || committee.epoch + 1 !== newest.epoch.epoch) return false
  const snapshot = await fetchSnapshot({ ...parts, key: signer.didKey }, epochs.chain)
  const entered = await change.enter(newest, snapshot)
  if (!isRefusal(entered)) return true
  const { reason, detail } = entered
  log.info({ reason, detail }, 'the next epoch is not entered by its seals')
  return false
}

/** Goes over to a later epoch from its checkpoint. What was not settled before it is void. */
async function goOver(
  { crypto, log }: Parts,
  { desk }: OpenDesk,
  beginning: Beginning,
): Promise<void> {
  const { epoch } = beginning.epochs.at(-1)!
  await desk.opened.validator.turn(async (current) =>
    current.epoch.epoch < epoch.epoch ? await beginWith(crypto, desk.opened, beginning) : current,
  )
  log.info({ epoch: epoch.epoch }, 'this validator has gone over by the accounts of the others')
}

function entryOf({ epoch }: Pick<ReadEpoch, 'epoch'>, { didKey }: TokenSigner) {
  return epoch.validators.find(({ key }) => key === didKey)
}

function numberOf({ desk }: OpenDesk): number {
  return desk.opened.validator.current().epoch.epoch
}

import type { Clock } from '../../clock.ts'
import { type Sql, type SqlPool, transaction } from '../sql.ts'
import { type Chain, followChain } from './epoch-chain.ts'
import { foldPages } from './fold-pages.ts'
import { judgeCertificates } from './judge-certificates.ts'
import { keepContents } from './keep-contents.ts'
import { keepQuotes } from './keep-quotes.ts'
import type { TokenLedger } from './token-ledgers.ts'

/** What certificates and epochs come to, kept beside the records. */
export type TokenBook = {
  readonly ledgers: readonly TokenLedger[]
  /** Takes in what has come since. Whatever has been committed when it is called is part of the
   *  book when it answers; `anew` folds every epoch again. */
  settle(options?: { anew?: boolean }): Promise<void>
  /** The same, if the last time was a second ago or longer. */
  catchUp(): Promise<void>
}

const LOCK = 0x746f_6b65
const FRESH_MS = 1_000

/** Keeps what the ledgers come to that this node follows. No declared column can say it: whether a
 *  certificate counts follows from keys in the epochs, and what a transfer comes to from all before
 *  it. What comes late, be it an epoch or a transfer, ends where it would have in any order. */
export function createTokenBook(options: {
  readonly sql: SqlPool
  readonly ledgers: readonly TokenLedger[]
  readonly clock: Clock
}): TokenBook {
  const { sql, ledgers, clock } = options
  const chains = new Map<string, Chain>()

  const settleOnce = async (anew: boolean) => {
    const now = clock.now()
    for (const ledger of ledgers) {
      const chain = await transaction(sql, async (tx) => {
        await tx.query('select pg_advisory_xact_lock($1)', [LOCK])
        return settleLedger(tx, ledger, { known: chains.get(ledger.genesis), now, anew })
      })
      chains.set(ledger.genesis, chain)
    }
  }
  let running: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
  let last = Number.NEGATIVE_INFINITY
  const settle: TokenBook['settle'] = ({ anew = false } = {}) => {
    // Calls while one is under way share the next.
    if (next && !anew) return next
    const mine = running
      .catch(() => undefined)
      .then(() => {
        if (next === mine) next = undefined
        last = clock.now().getTime()
        return settleOnce(anew)
      })
    next = mine
    running = mine
    return mine
  }
  return {
    ledgers,
    settle,
    catchUp: async () => {
      if (clock.now().getTime() - last >= FRESH_MS) await settle()
    },
  }
}

async function settleLedger(
  tx: Sql,
  ledger: TokenLedger,
  { known, now, anew }: { known: Chain | undefined; now: Date; anew: boolean },
): Promise<Chain> {
  const { genesis } = ledger
  const chain = await followChain(tx, ledger, known)
  await judgeCertificates(tx, genesis, chain, now)
  await keepContents(tx, genesis)
  await keepQuotes(tx, genesis)
  await foldPages(tx, genesis, chain, { now, anew })
  return chain
}

import { InvalidRequestError } from '@atproto/xrpc-server'

/** A ledger that this node follows: the id of its first epoch, which is pinned, and the account
 *  whose repo has its epochs. */
export type TokenLedger = { readonly genesis: string; readonly governance: string }

/** Ledgers as the configuration names them: the id, an @, and the account. */
export function ledgersNamed(names: readonly string[]): TokenLedger[] {
  return names.map((name) => {
    const [genesis, governance] = name.split('@') as [string, string]
    return { genesis, governance }
  })
}

/** The ledger that is asked for; throws `LedgerUnknown` for one that is not followed, and when none
 *  is named among several. */
export function ledgerAsked(
  ledgers: readonly TokenLedger[],
  asked: string | undefined,
): TokenLedger {
  const found =
    asked === undefined
      ? ledgers.length === 1
        ? ledgers[0]
        : undefined
      : ledgers.find(({ genesis }) => genesis === asked)
  if (found) return found
  const known = ledgers.map(({ genesis }) => genesis).join(', ') || 'none'
  throw new InvalidRequestError(`Name a ledger that this node follows: ${known}.`, 'LedgerUnknown')
}

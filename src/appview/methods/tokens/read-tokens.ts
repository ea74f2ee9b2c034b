import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import { co } from '../../../lexicons/index.ts'
import { resolveActor } from '../../find-actor.ts'
import { notFound } from '../../not-found.ts'
import { knownUri } from '../../reference.ts'
import { type Mount, type Reading, query } from '../../serve.ts'
import { findBalance } from '../../tokens/balance-view.ts'
import type { TokenBook } from '../../tokens/keep-token-book.ts'
import { standingReader } from '../../tokens/ledger-standing.ts'
import { findSupply } from '../../tokens/supply-view.ts'
import { ledgerAsked } from '../../tokens/token-ledgers.ts'
import { findTransfer, listTransfers } from '../../tokens/transfer-views.ts'

type Deps = Reading & { readonly tokens: TokenBook; readonly clock: Clock }

/** `tokens.getBalance`, `getSupply`, `readStanding`, `getTransfer` and `listTransfers`: what
 *  certified transfers come to. All of it is public, as the records are that it follows from. */
export function readTokens(mount: Mount, { sql, origin, loads, tokens, clock }: Deps): void {
  const { getBalance, getSupply, getTransfer, listTransfers: list, readStanding } = co.kendev.tokens
  const standing = standingReader(sql)

  query(mount, getBalance, async ({ params, viewer }) => {
    const { genesis } = ledgerAsked(tokens.ledgers, params.ledger)
    const did = await resolveActor(sql, params.account)
    if (did === undefined) throw notFound(params.account)
    await tokens.catchUp()
    const looking = { sql, origin, loads, viewer: viewer?.did }
    return findBalance(looking, { ledger: genesis, did, now: clock.now() })
  })

  query(mount, getSupply, async ({ params }) => {
    const ledger = ledgerAsked(tokens.ledgers, params.ledger)
    await tokens.catchUp()
    return findSupply(sql, ledger)
  })

  query(mount, readStanding, async ({ params }) => {
    const { genesis } = ledgerAsked(tokens.ledgers, params.ledger)
    await tokens.catchUp()
    const view = await standing(genesis, params.epoch)
    if (!view) throw new InvalidRequestError('No such epoch is known here.', 'NotFound')
    return view
  })

  query(mount, getTransfer, async ({ params, viewer }) => {
    await tokens.catchUp()
    const looking = { sql, origin, loads, viewer: viewer?.did }
    const view = await findTransfer(looking, knownUri(params.uri))
    if (!view) throw notFound(params.uri)
    return view
  })

  query(mount, list, async ({ params, viewer }) => {
    await tokens.catchUp()
    return listTransfers({ sql, origin, loads, viewer: viewer?.did }, params)
  })
}

import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import { co } from '../../../lexicons/index.ts'
import { type Rate, type Source, rateField, sourceRate } from '../../../tokens/worth/exchange.ts'
import { resolveActor } from '../../find-actor.ts'
import { notFound } from '../../not-found.ts'
import { type Mount, type Reading, query } from '../../serve.ts'
import { listExchanges } from '../../tokens/exchange-views.ts'
import type { TokenBook } from '../../tokens/keep-token-book.ts'

type Deps = Reading & {
  readonly tokens: TokenBook
  readonly clock: Clock
  /** Micro-tokens for a dollar, where the operator has set a rate. */
  readonly usdRate: Rate | undefined
}

/** `tokens.readExchanges` and `readExchangeRates`: what certified transfers have made of quotes,
 *  and figures. All of it is public. */
export function readExchanges(mount: Mount, deps: Deps): void {
  const { sql, origin, loads, tokens, clock, usdRate } = deps
  const { readExchanges: exchanges, readExchangeRates: rates } = co.kendev.tokens

  query(mount, exchanges, async ({ params, viewer }) => {
    const account = await resolveActor(sql, params.account)
    if (account === undefined) throw notFound(params.account)
    await tokens.catchUp()
    const looking = { sql, origin, loads, viewer: viewer?.did }
    return listExchanges(looking, { ...params, account, now: clock.now() })
  })

  query(mount, rates, async ({ params: { currency } }) => {
    const all = ratesBy(usdRate)
    const asked = currency === undefined ? 'angel_tokens' : currency
    if (!all.has(asked)) throw new InvalidRequestError(`No rate is set for ${asked}.`, 'NoRate')
    const usd = all.get('usd')
    return {
      angelTokens: all.get('angel_tokens')!,
      karmaPoints: all.get('karma_points')!,
      ...(usd !== undefined && { usd }),
    }
  })
}

/** Micro-tokens for one of each unit; for dollars only by a setting. */
function ratesBy(usd: Rate | undefined): ReadonlyMap<string, number> {
  const sources: readonly Source[] = ['angel_tokens', 'karma_points', 'usd']
  return new Map(
    sources.flatMap((source) => {
      const rate = sourceRate(source, usd)
      return rate ? [[source, rateField(rate)] as const] : []
    }),
  )
}

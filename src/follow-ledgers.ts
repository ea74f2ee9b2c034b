import { missingSenders, validatorsOf } from './appview/tokens/ledger-sources.ts'
import { ledgersNamed } from './appview/tokens/token-ledgers.ts'
import type { Timers } from './clock.ts'
import type { Config } from './config.ts'
import type { Database } from './database/database.ts'
import type { SqlPool } from './database/sql.ts'
import type { Identity } from './identity/identity.ts'
import type { IdentityResolver } from './identity/resolver.ts'
import type { Log } from './log.ts'
import type { NodePds } from './open-pds.ts'

type Options = {
  readonly config: Pick<Config, 'ANGELOS_TOKEN_LEDGER'>
  readonly database: Database
  readonly resolver: Pick<IdentityResolver, 'document' | 'resolve'>
  readonly pds: Pick<NodePds, 'isHosted'>
  /** Has the repo of an account read here. */
  readonly follow: (identity: Identity) => Promise<void>
  readonly timers: Timers
  readonly log: Log
}

const EVERY_MS = 2_000
/** Who pays is looked up in the database, at most so often. */
const THOROUGH_MS = 60_000
/** Who could not be reached is tried again after this long. */
const RETRY_MS = 5_000
const REMEMBERED_MAX = 10_000

/**
 * Has the repos read that the views of a ledger follow from, once begun: of the account that
 * governs it, of the nodes that validate it, and of all whose transfers certificates are about. So
 * every node that follows a ledger comes to the same, whoever of those who pay is hosted there.
 */
export function followLedgers(options: Options): AsyncDisposable & { begin(): void } {
  const { config, timers, log } = options
  const ledgers = ledgersNamed(config.ANGELOS_TOKEN_LEDGER)
  const stop = new AbortController()
  let running: Promise<void> | undefined
  const loop = async () => {
    const reach = reacher(options)
    let thorough = 0
    while (!stop.signal.aborted) {
      const isThorough = timers.now().getTime() >= thorough
      if (isThorough) thorough = timers.now().getTime() + THOROUGH_MS
      for (const ledger of ledgers)
        await readSources(options, { ...ledger, reach, isThorough }).catch((err: unknown) =>
          log.warn({ err, ledger: ledger.genesis }, 'who a ledger is read from is not known now'),
        )
      await timers.sleep(EVERY_MS, stop.signal)
    }
  }
  return {
    begin: () => {
      if (ledgers.length > 0) running = loop()
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await running
    },
  }
}

type Reach = (name: string, find: () => Promise<string | undefined>) => Promise<void>

async function readSources(
  { database, resolver }: Options,
  of: { genesis: string; governance: string; reach: Reach; isThorough: boolean },
): Promise<void> {
  const { genesis, governance, reach, isThorough } = of
  const sql = database.pool as unknown as SqlPool
  await reach(governance, async () => governance)
  for (const validator of await validatorsOf(sql, genesis)) {
    // A node names the account that holds its records in its own document.
    await reach(validator, async () => {
      const document = await resolver.document(validator)
      return document?.alsoKnownAs?.find((name) => name.startsWith('did:'))
    })
  }
  if (!isThorough) return
  for (const sender of await missingSenders(sql, genesis)) await reach(sender, async () => sender)
}

/** Follows each account once; who could not be found is looked for again later. */
function reacher({ resolver, pds, follow, timers, log }: Options): Reach {
  const again = new Map<string, number>()
  return async (name, find) => {
    const now = timers.now().getTime()
    if ((again.get(name) ?? 0) > now) return
    if (again.size > REMEMBERED_MAX) again.clear()
    again.set(name, now + RETRY_MS)
    try {
      const account = await find()
      if (account === undefined) throw new Error(`${name} names no account`)
      if (!(await pds.isHosted(account))) {
        const identity = await resolver.resolve(account)
        if (!identity) throw new Error(`${account} has no PDS`)
        await follow(identity)
      }
      again.set(name, Number.POSITIVE_INFINITY)
    } catch (err) {
      again.set(name, now + RETRY_MS)
      log.info({ err, name }, 'a repo that a ledger is read from cannot be followed now')
    }
  }
}

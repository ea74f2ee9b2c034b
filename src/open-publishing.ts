import type { Timers } from './clock.ts'
import type { Config } from './config.ts'
import { nativeCrypto as crypto } from './crypto/native.ts'
import type { Log } from './log.ts'
import { publishAll } from './open-certifying.ts'
import type { NodePds } from './open-pds.ts'
import { publishLedger } from './validator/publish-ledger.ts'
import type { Seat } from './validator/seat.ts'
import type { Publisher } from './validator/unpublished.ts'

type Options = {
  readonly config: Pick<Config, 'handleDomain'>
  readonly seat: Seat
  readonly pds: Pick<NodePds, 'ensureAccount' | 'writer'>
  readonly timers: Timers
  readonly log: Log
}

/** Publishes what the node's validator has in its books in the node's own account, once begun. */
export function openPublishing(options: Options): AsyncDisposable & { begin(): void } {
  const { seat, timers, log } = options
  const stop = new AbortController()
  let running: Promise<void> | undefined
  return {
    begin: () => {
      const publisher = () => publisherOf(seat, timers)
      const publish = (puts: Parameters<typeof publishAll>[1]) => publishAll(options, puts)
      running = publishLedger({ publisher, publish, timers, log }, stop.signal)
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await running
    },
  }
}

function publisherOf(seat: Seat, timers: Timers): Publisher | undefined {
  const opened = seat.desk()?.desk.opened
  const { epochs, sql } = seat
  if (!opened || !epochs) return undefined
  const { did, signer, genesis } = opened
  const { code } = genesis.epoch
  const now = () => timers.now().toISOString()
  return { crypto, sql, ledger: genesis.id, code, did, signer, chain: epochs.chain, now }
}

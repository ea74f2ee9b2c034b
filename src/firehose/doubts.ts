import { createLru } from '../crypto/lru.ts'
import type { Log } from '../log.ts'
import type { Audit } from './audit.ts'
import type { Waiting } from './backoff.ts'
import type { FirehoseEvent } from './event.ts'
import type { Applied, SyncStore } from './store.ts'

export type DoubtOptions = Waiting & {
  store: Pick<SyncStore, 'standings'>
  audit: Pick<Audit, 'account'>
  log: Log
}

/** Accounts whose events do not fit what is held of them, so that their PDS is asked. */
export type Doubts = {
  /** Looks at what became of a batch. */
  note(events: readonly FirehoseEvent[], applied: Applied): void
  /** Settles when nobody is being asked. */
  idle(): Promise<void>
}

const REMEMBERED = 10_000
const WAITING_MAX = 10_000
/** An account is asked for no more often, whatever its host sends. */
const AGAIN_MS = 60_000

/**
 * Makes doubts. An account that is active again may have written while it was not, and one that
 * writes is active, whatever was heard before: what should have told so may have been lost. Who
 * cannot be asked now is left to the sweep.
 */
export function createDoubts({ store, audit, log, timers, signal }: DoubtOptions): Doubts {
  const asked = createLru<string, number>(REMEMBERED)
  const waiting = new Set<string>()
  let asking: Promise<void> | undefined

  async function askAll(): Promise<void> {
    for (const did of waiting) {
      waiting.delete(did)
      if (signal.aborted) return
      await audit.account(did).catch((err: unknown) => log.info({ did, err }, 'not asked for now'))
    }
  }

  function ask(did: string): void {
    const now = timers.now().getTime()
    if (waiting.size >= WAITING_MAX || now - (asked.get(did) ?? -Infinity) < AGAIN_MS) return
    asked.set(did, now)
    waiting.add(did)
    asking ??= askAll().finally(() => {
      asking = undefined
    })
  }

  async function askInactive(dids: readonly string[]): Promise<void> {
    const standings = await store.standings(dids)
    for (const [did, { upstream }] of standings) if (upstream !== 'active') ask(did)
  }

  return {
    note(events, { revs }) {
      const unheeded = new Set<string>()
      for (const event of events) {
        if (event.kind === 'account' && event.active) ask(event.did)
        if (event.kind !== 'commit' && event.kind !== 'sync') continue
        if ((revs.get(event.did) ?? '') < event.rev) unheeded.add(event.did)
      }
      if (unheeded.size === 0) return
      askInactive([...unheeded]).catch((err: unknown) => log.warn({ err }, 'not looked at now'))
    },
    idle: async () => asking,
  }
}

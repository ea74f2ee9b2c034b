import { createLru } from '../crypto/lru.ts'
import type { Log } from '../log.ts'
import type { Audit } from './audit.ts'
import type { Waiting } from '../pacing/backoff.ts'
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
 * Makes doubts. An account that is active again may have written while it was not; one that writes
 * is active, whatever was heard before; and a message whose number was wrong may have been true.
 * Who cannot be asked now is left to the sweep.
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

  /** Of accounts never heard of, nothing can be wrong. */
  async function askKnown(dids: ReadonlySet<string>, evenActive: boolean): Promise<void> {
    if (dids.size === 0) return
    try {
      const standings = await store.standings([...dids])
      for (const [did, { upstream }] of standings) if (evenActive || upstream !== 'active') ask(did)
    } catch (err) {
      log.warn({ err }, 'not looked at now')
    }
  }

  return {
    note(events, { revs }) {
      const unheeded = new Set<string>()
      const unread = new Set<string>()
      for (const event of events) {
        if (event.kind === 'account' && event.active) ask(event.did)
        if (event.kind === 'refused' && event.reason === 'OldSeq') unread.add(event.did)
        if (event.kind !== 'commit' && event.kind !== 'sync') continue
        if ((revs.get(event.did) ?? '') < event.rev) unheeded.add(event.did)
      }
      void askKnown(unheeded, false)
      void askKnown(unread, true)
    },
    idle: async () => asking,
  }
}

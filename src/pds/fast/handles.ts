import { type Handle } from './handle.ts'

type Pending = { handle: Promise<Handle>; waiters: number; stale: boolean }

/** Who holds a lease may use the handle until it calls `release`, whatever happens to the cache. */
export type Lease = { handle: Handle; release(): void }

/**
 * Open handles by DID, at most `max` of them idle or not, unless more are leased at one time. A
 * handle whose file was removed or replaced is never handed out again; it closes when its last
 * lease ends.
 */
export class HandleCache {
  readonly #open: (did: string) => Promise<Handle>
  readonly #max: number
  readonly #handles = new Map<string, Handle>()
  readonly #pending = new Map<string, Pending>()
  #closed = false

  constructor(options: { max: number; open: (did: string) => Promise<Handle> }) {
    this.#open = options.open
    this.#max = options.max
  }

  /** How many handles are open and can be leased again. */
  get size(): number {
    return this.#handles.size
  }

  /** A lease on the DID's handle, opened if it is not open; throws what opening throws. */
  async lease(did: string): Promise<Lease> {
    if (this.#closed) throw new Error('the store is closed')
    const known = this.#handles.get(did)
    if (known !== undefined && known.isCurrent()) {
      known.leases++
      this.#handles.delete(did)
      this.#handles.set(did, known)
      return this.#leaseOf(did, known)
    }
    if (known !== undefined) this.forget(did)
    const pending = this.#pending.get(did) ?? this.#start(did)
    // Counted here and turned into leases when it opens, so that it can't be closed in between.
    pending.waiters++
    return this.#leaseOf(did, await pending.handle)
  }

  /** Hands the DID's handle out no more, open or being opened; it closes with its last lease. */
  forget(did: string): void {
    const pending = this.#pending.get(did)
    if (pending !== undefined) pending.stale = true
    this.#pending.delete(did)
    const handle = this.#handles.get(did)
    if (handle === undefined) return
    this.#handles.delete(did)
    handle.retired = true
    if (handle.leases === 0) handle.close()
  }

  /** Closes all handles; leased ones close with their last lease. Later leases are refused. */
  close(): void {
    this.#closed = true
    for (const did of [...this.#handles.keys(), ...this.#pending.keys()]) this.forget(did)
  }

  #start(did: string): Pending {
    const pending: Pending = { waiters: 0, stale: false, handle: this.#opened(did, () => pending) }
    this.#pending.set(did, pending)
    return pending
  }

  async #opened(did: string, self: () => Pending): Promise<Handle> {
    try {
      const handle = await this.#open(did)
      const pending = self()
      handle.leases = pending.waiters
      handle.retired = pending.stale
      if (!pending.stale) this.#handles.set(did, handle)
      this.#trim()
      return handle
    } finally {
      if (this.#pending.get(did) === self()) this.#pending.delete(did)
    }
  }

  #leaseOf(did: string, handle: Handle): Lease {
    let held = true
    const release = (): void => {
      if (!held) return
      held = false
      if (--handle.leases > 0) return
      // Idle inside a transaction means that a rollback failed: nobody may go on from there.
      if (handle.raw.inTransaction && this.#handles.get(did) === handle) this.forget(did)
      else if (handle.retired) handle.close()
    }
    return { handle, release }
  }

  #trim(): void {
    for (const [did, handle] of this.#handles) {
      if (this.#handles.size <= this.#max) return
      if (handle.leases === 0) this.forget(did)
    }
  }
}

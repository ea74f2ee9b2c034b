import { type Flush } from './group-sync.ts'
import { openHandle } from './handle.ts'
import { HandleCache, type Lease } from './handles.ts'
import {
  type ActorDb,
  type ActorReader,
  type ActorStore,
  type ActorTransactor,
  type ActorWriter,
  type Did,
  type Result,
} from './package-parts.ts'
import { type Switches } from './switches.ts'

const CAN_GO_ON = /^SQLITE_(?:BUSY|CONSTRAINT)/

/**
 * Makes an actor store lease open connections instead of opening one per request. Writes go
 * through one connection per account, so that they queue in this process instead of at SQLite's
 * lock, and with `flush` they answer only after a shared sync of the WAL.
 */
export class LeasedStore {
  readonly #store: ActorStore
  readonly #writers: HandleCache
  readonly #readers: HandleCache
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #committed: (file: string) => void

  constructor(
    store: ActorStore,
    switches: Switches,
    options: { flush: Flush | undefined; committed: (file: string) => void },
  ) {
    this.#store = store
    this.#committed = options.committed
    this.#writers = cacheOf(store, switches, options.flush)
    // What a reader commits (the package lets it) SQLite itself syncs.
    this.#readers = cacheOf(store, switches, undefined)
    this.#override(Object.getPrototypeOf(store))
  }

  /** Waits for the writes under way, then closes all connections. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#underWay)
    this.#writers.close()
    this.#readers.close()
  }

  #override(own: ActorStore): void {
    const store = this.#store
    store.openDb = async (did) => {
      const lease = await this.#readers.lease(did)
      return borrowed(lease, () => lease.release())
    }
    store.read = <T>(did: Did, fn: (reader: ActorReader) => Result<T>): Promise<T> =>
      this.#read(did, (view) => own.read.call(view, did, fn) as Promise<T>)
    store.transact = <T>(did: Did, fn: (txn: ActorTransactor) => Result<T>): Promise<T> =>
      this.#write(did, (view) => own.transact.call(view, did, fn) as Promise<T>)
    store.writeNoTransaction = <T>(did: Did, fn: (writer: ActorWriter) => Result<T>): Promise<T> =>
      this.#write(did, (view) => own.writeNoTransaction.call(view, did, fn) as Promise<T>)
    store.destroy = async (did) => {
      this.#forget(did)
      // What was leased while the files were being removed has to be forgotten as well.
      await own.destroy.call(store, did).finally(() => this.#forget(did))
    }
  }

  async #read<T>(did: Did, work: (view: ActorStore) => Promise<T>): Promise<T> {
    const lease = await this.#readers.lease(did)
    try {
      return await work(this.#view(lease))
    } catch (error) {
      if (isStorageFailure(error)) this.#readers.forget(did)
      throw error
    } finally {
      lease.release()
    }
  }

  #write<T>(did: Did, work: (view: ActorStore) => Promise<T>): Promise<T> {
    const written = this.#writeAndSync(did, work)
    this.#underWay.add(written)
    return written.finally(() => this.#underWay.delete(written))
  }

  async #writeAndSync<T>(did: Did, work: (view: ActorStore) => Promise<T>): Promise<T> {
    const lease = await this.#writers.lease(did)
    try {
      const result = await work(this.#view(lease))
      await lease.handle.sync()
      this.#committed(lease.handle.file)
      return result
    } catch (error) {
      // A failing disk or a damaged page cache: the next request starts from the file.
      if (isStorageFailure(error)) this.#writers.forget(did)
      throw error
    } finally {
      lease.release()
    }
  }

  #forget(did: string): void {
    this.#writers.forget(did)
    this.#readers.forget(did)
  }

  /** The store as one call sees it: its database is the leased one, and stays open after it. */
  #view(lease: Lease): ActorStore {
    const db = borrowed(lease, () => {})
    return Object.create(this.#store, { openDb: { value: async () => db } })
  }
}

function cacheOf(store: ActorStore, switches: Switches, flush: Flush | undefined): HandleCache {
  return new HandleCache({
    max: switches.openRepos,
    open: async (did) => {
      const { dbLocation } = await store.getLocation(did)
      const { statements, checkpoints } = switches
      return openHandle(dbLocation, { statements, checkpointsElsewhere: checkpoints, flush })
    },
  })
}

function borrowed(lease: Lease, close: () => void): ActorDb {
  return Object.create(lease.handle.db, { close: { value: close } })
}

function isStorageFailure(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false
  const { code } = error
  return typeof code === 'string' && code.startsWith('SQLITE_') && !CAN_GO_ON.test(code)
}

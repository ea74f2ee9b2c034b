import type { SyncStore } from '../../src/firehose/store.ts'
import { between } from '../fast/random.ts'
import type { Life, World } from './time.ts'

/** What happens to calls of the store besides their effect. */
export type StoreFaults = {
  /** how often, from 0 to 1, a call throws, before its effect or after it */
  fail: number
  /** nothing has been wrong since then, or will be until then */
  calmSince: number
}

/** Told of each call before and after its effect. */
export type StoreWatch = {
  before(call: keyof SyncStore, args: readonly unknown[]): Promise<void>
  after(call: keyof SyncStore, args: readonly unknown[], answered: boolean): Promise<void>
}

/**
 * The store as one life of the consumer reaches it: each call takes time before its effect and time
 * until its answer, so that a life may end at either side of it; effects happen one at a time.
 */
export function storeFor(
  store: SyncStore,
  options: {
    world: World
    random: () => number
    life: Life
    faults: StoreFaults
    watch: StoreWatch
  },
): SyncStore {
  const { world, random, life, faults, watch } = options
  const call =
    (name: keyof SyncStore) =>
    async (...args: unknown[]): Promise<unknown> => {
      await world.wait(life, between(random, 0, 15))
      const fails = faults.fail > 0 && random() < faults.fail
      if (fails && random() < 0.5) throw new Error('the store is away')
      await watch.before(name, args)
      const method = store[name] as (...given: unknown[]) => Promise<unknown>
      const answer = await method.apply(store, args)
      await watch.after(name, args, !fails)
      await world.wait(life, between(random, 0, 15))
      if (fails) throw new Error('the store went away')
      return answer
    }
  return new Proxy(store, { get: (_, name) => call(name as keyof SyncStore) })
}

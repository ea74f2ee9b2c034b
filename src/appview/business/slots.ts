import { isConflict } from '../../database/pool.ts'
import type { Job, Outbox } from '../../jobs/jobs.ts'
import type { Sql } from '../sql.ts'

/** A place in a transaction: what is done in it is undone by itself. `batch` is what all in the
 *  transaction store together in the end. */
export type Slot<B> = {
  readonly tx: Sql
  readonly queue: (job: Job) => Promise<void>
  readonly batch: B
}

/** Thrown by work that has to see stored what others before it in its transaction have put down:
 *  that is stored, and the work is run again. */
export class StoreFirst extends Error {
  override readonly name = 'StoreFirst'
}

type Waiting<B> = {
  work: (slot: Slot<B>) => Promise<unknown>
  done: (answer: unknown) => void
  failed: (error: unknown) => void
}

/** Those that wait together share a transaction, and so the disk's time. */
const TOGETHER_MAX = 16

/** Runs work of one tenant after the other, in every process that shares the database; several
 *  pieces that wait are done in one transaction, each in a savepoint of its own. */
export type Slots<B> = {
  /** Answers once what `work` did is committed; rejects with what it threw. It may be run again. */
  run<T>(tenant: string, work: (slot: Slot<B>) => Promise<T>): Promise<T>
}

type Options<B> = {
  readonly outbox: Outbox
  readonly begin: () => B
  /** Stores what has been put down, and empties it. */
  readonly store: (tx: Sql, tenant: string, batch: B) => Promise<void>
}

/** Makes the slots. */
export function createSlots<B>(options: Options<B>): Slots<B> {
  const lanes = new Map<string, Waiting<B>[]>()
  const drain = async (tenant: string, lane: Waiting<B>[]) => {
    while (lane.length > 0) await carryOut(options, tenant, lane.splice(0, TOGETHER_MAX))
    lanes.delete(tenant)
  }
  return {
    run: (tenant, work) =>
      new Promise((resolve, failed) => {
        const waiting = { work, done: resolve as (answer: unknown) => void, failed }
        const lane = lanes.get(tenant)
        if (lane) return void lane.push(waiting)
        const opened = [waiting]
        lanes.set(tenant, opened)
        void drain(tenant, opened)
      }),
  }
}

type Outcome = { answer: unknown } | { error: unknown }

async function carryOut<B>(
  options: Options<B>,
  tenant: string,
  all: readonly Waiting<B>[],
): Promise<void> {
  try {
    const outcomes = await options.outbox.transact(async (tx, queue) => {
      await tx.query('insert into repo.turn (tenant) values ($1) on conflict do nothing', [tenant])
      await tx.query('select 1 from repo.turn where tenant = $1 for update', [tenant])
      const slot = { tx, queue, batch: options.begin() }
      const store = () => options.store(tx, tenant, slot.batch)
      const done: Outcome[] = []
      for (const { work } of all) done.push(await within(slot, work, store))
      await store()
      return done
    })
    for (const [n, outcome] of outcomes.entries())
      if ('error' in outcome) all[n]!.failed(outcome.error)
      else all[n]!.done(outcome.answer)
  } catch (error) {
    // Nothing of it was stored, and what is wrong with one is not to be another's failure.
    if (all.length > 1) for (const one of all) await carryOut(options, tenant, [one])
    else all[0]!.failed(error)
  }
}

async function within<B>(
  slot: Slot<B>,
  work: Waiting<B>['work'],
  store: () => Promise<void>,
): Promise<Outcome> {
  for (;;) {
    await slot.tx.query('savepoint slot')
    try {
      const answer = await work(slot)
      await slot.tx.query('release savepoint slot')
      return { answer }
    } catch (error) {
      // Another transaction was in the way: all of this one is to be done again.
      if (isConflict(error)) throw error
      await slot.tx.query('rollback to savepoint slot')
      if (!(error instanceof StoreFirst)) return { error }
      await store()
    }
  }
}

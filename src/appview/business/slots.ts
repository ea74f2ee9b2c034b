import { isConflict } from '../../database/pool.ts'
import type { Job, Outbox } from '../../jobs/jobs.ts'
import type { Sql } from '../sql.ts'

/** A place in a transaction: what is done in it is undone by itself. */
export type Slot = { readonly tx: Sql; readonly queue: (job: Job) => Promise<void> }

type Waiting = {
  work: (slot: Slot) => Promise<unknown>
  done: (answer: unknown) => void
  failed: (error: unknown) => void
}

/** Those that wait together share a transaction, and so the disk's time. */
const TOGETHER_MAX = 16

/** Runs work of one tenant after the other, in every process that shares the database; several
 *  pieces that wait are done in one transaction, each in a savepoint of its own. */
export type Slots = {
  /** Answers once what `work` did is committed; rejects with what it threw. It may be run again. */
  run<T>(tenant: string, work: (slot: Slot) => Promise<T>): Promise<T>
}

/** Makes the slots. */
export function createSlots({ outbox }: { outbox: Outbox }): Slots {
  const lanes = new Map<string, Waiting[]>()
  const drain = async (tenant: string, lane: Waiting[]) => {
    while (lane.length > 0) await carryOut(outbox, tenant, lane.splice(0, TOGETHER_MAX))
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

async function carryOut(outbox: Outbox, tenant: string, all: readonly Waiting[]): Promise<void> {
  try {
    const outcomes = await outbox.transact(async (tx, queue) => {
      await tx.query('insert into repo.turn (tenant) values ($1) on conflict do nothing', [tenant])
      await tx.query('select 1 from repo.turn where tenant = $1 for update', [tenant])
      const done: Outcome[] = []
      for (const { work } of all) done.push(await within(tx, queue, work))
      return done
    })
    for (const [n, outcome] of outcomes.entries())
      if ('error' in outcome) all[n]!.failed(outcome.error)
      else all[n]!.done(outcome.answer)
  } catch (error) {
    // The transaction as a whole did not come about: nobody's work is done.
    for (const { failed } of all) failed(error)
  }
}

async function within(tx: Sql, queue: Slot['queue'], work: Waiting['work']): Promise<Outcome> {
  await tx.query('savepoint slot')
  try {
    const answer = await work({ tx, queue })
    await tx.query('release savepoint slot')
    return { answer }
  } catch (error) {
    // Another transaction was in the way: all of this one is to be done again.
    if (isConflict(error)) throw error
    await tx.query('rollback to savepoint slot')
    return { error }
  }
}

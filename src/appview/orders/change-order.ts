import type { Deciding } from '../business/transact.ts'
import type { At } from '../commerce/advance.ts'
import type { Change } from '../commerce/change.ts'
import type { OrderFile } from '../commerce/order-file.ts'
import { notFound } from '../not-found.ts'
import { placeOf, readReference } from '../reference.ts'
import { type Kept, keepChange } from './keep-change.ts'
import { type KeptOrder, type OrderAt, partKeys, readOrder } from './order-records.ts'

/** What a command has done to an order: what is to be written and done with the decision it is part
 *  of, and what it says. */
export type Changed<C extends Change> = Kept & { readonly change: C; readonly before: KeptOrder }

/** Does something to an order within a decision: take its writes and jobs over into the decision.
 *  What providers are asked for is among the jobs; asking at once, with `carryOut`, is faster.
 *  Throws what the command does, `NotFound` and `InsufficientStock`. */
export async function changeOrder<C extends Change>(
  d: Deciding,
  at: OrderAt,
  command: (file: OrderFile, at: At, kept: KeptOrder) => C,
): Promise<Changed<C>> {
  const before = await readOrder(d, at)
  const change = command(before.file, { now: d.now, nextId: partKeys(before) }, before)
  return { ...(await keepChange(d, before, change)), change, before }
}

/** Where the order stands that a whole uri leads to. Throws `NotFound` for a uri of another
 *  kind. */
export function orderAtOf(uri: string): OrderAt {
  const found = readReference(uri)
  if (!found?.space) throw notFound(`order ${uri}`)
  return { tenant: found.author, place: placeOf(found), rkey: found.rkey }
}

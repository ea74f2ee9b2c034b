import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Sql } from '../sql.ts'

/** What changes for a stock item, in units: what is there, what is kept for who is paying, and what
 *  is sold and not handed over yet. */
export type StockChange = {
  readonly item: string
  readonly onHand?: number
  readonly reserved?: number
  readonly allocated?: number
  /** How many may be promised beyond what is there, where that is known now. */
  readonly backorderLimit?: number | undefined
}

/** How many units of each item are meant. */
export type StockLine = {
  readonly item: string
  readonly quantity: number
  readonly backorderLimit?: number | undefined
}

/** How an item stands. */
export type StockState = {
  readonly item: string
  readonly onHand: number
  readonly reserved: number
  readonly allocated: number
  readonly backorderLimit: number
}

/**
 * Changes the stock of a tenant within the caller's transaction, all items or none: throws
 * `InsufficientStock` where more would be promised than there is. Lines of one item are summed
 * first, and items are taken in one order, so that no two transactions wait for each other. What
 * takes promises back, or says what is there, is never refused. Answers how the items stand.
 */
export async function applyStock(
  tx: Sql,
  tenant: string,
  changes: readonly StockChange[],
): Promise<StockState[]> {
  const states: StockState[] = []
  for (const change of summed(changes)) {
    const { item, onHand, reserved, allocated, backorderLimit = null } = change
    await tx.query(MAKE, [tenant, item])
    const asked = [tenant, item, onHand, reserved, allocated, backorderLimit]
    const { rows } = await tx.query<StockState>(CHANGE, asked)
    if (!rows[0]) throw await insufficient(tx, tenant, change)
    states.push(rows[0])
  }
  return states
}

/** Keeps units for who is paying. */
export function reserve(lines: readonly StockLine[]): StockChange[] {
  return lines.map(({ quantity, ...line }) => ({ ...line, reserved: quantity }))
}

/** What was kept is sold. */
export function allocate(lines: readonly StockLine[]): StockChange[] {
  return lines.map(({ quantity, ...line }) => ({
    ...line,
    reserved: -quantity,
    allocated: quantity,
  }))
}

/** What was kept is free again. */
export function release(lines: readonly StockLine[]): StockChange[] {
  return lines.map(({ quantity, ...line }) => ({ ...line, reserved: -quantity }))
}

/** What was sold is handed over. */
export function consume(lines: readonly StockLine[]): StockChange[] {
  return lines.map(({ quantity, ...line }) => ({
    ...line,
    allocated: -quantity,
    onHand: -quantity,
  }))
}

/** Units have come. */
export function receive(lines: readonly StockLine[]): StockChange[] {
  return lines.map(({ quantity, ...line }) => ({ ...line, onHand: quantity }))
}

type Summed = Required<Omit<StockChange, 'backorderLimit'>> & Pick<StockChange, 'backorderLimit'>

function summed(changes: readonly StockChange[]): Summed[] {
  const items = new Map<string, Summed>()
  for (const { item, onHand = 0, reserved = 0, allocated = 0, backorderLimit } of changes) {
    const before = items.get(item) ?? { item, onHand: 0, reserved: 0, allocated: 0 }
    items.set(item, {
      item,
      onHand: before.onHand + onHand,
      reserved: before.reserved + reserved,
      allocated: before.allocated + allocated,
      backorderLimit: backorderLimit ?? before.backorderLimit,
    })
  }
  return [...items.values()].toSorted((a, b) => (a.item < b.item ? -1 : 1))
}

const MAKE = {
  name: 'stock-make',
  text: `insert into repo.stock (tenant, item, "onHand") values ($1, $2, 0)
    on conflict (tenant, item) do nothing`,
}

const CHANGE = {
  name: 'stock-change',
  text: `update repo.stock set "onHand" = "onHand" + $3::int, reserved = reserved + $4::int,
      allocated = allocated + $5::int, "backorderLimit" = coalesce($6::int, "backorderLimit")
    where tenant = $1 and item = $2 and ($4::int + $5::int <= 0
      or ("onHand"::bigint + $3::int) - (reserved + $4::int) - (allocated + $5::int)
        >= -coalesce($6::int, "backorderLimit")::bigint)
    returning item, "onHand", reserved, allocated, "backorderLimit"`,
}

async function insufficient(
  tx: Sql,
  tenant: string,
  { item, reserved, allocated }: Summed,
): Promise<InvalidRequestError> {
  const { rows } = await tx.query<{ left: number }>(
    `select "onHand" - reserved - allocated as left from repo.stock
     where tenant = $1 and item = $2`,
    [tenant, item],
  )
  const left = Math.max(0, rows[0]?.left ?? 0)
  return new InvalidRequestError(
    `Of ${item} there are ${left}, and ${reserved + allocated} are wanted. Take fewer.`,
    'InsufficientStock',
  )
}

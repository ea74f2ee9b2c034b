import { setTimeout as sleep } from 'node:timers/promises'
import type { SqlPool } from '../../src/database/sql.ts'
import { eventually } from '../eventually.ts'
import { between, seeded } from '../fast/random.ts'
import { nativeDatabase } from '../database/native.ts'
import { wrongs } from './checks.ts'
import { Customers } from './customers.ts'
import { furnishShop } from './furnish.ts'
import { ShopProcess } from './shop-process.ts'

const FULL_KILLS = 100
const CHECK_EVERY = 10
const AT_ONCE = 6
/** So long it is waited for a statement before the shop is killed where it is. */
const PATIENCE_MS = 6_000
/** What has to wait for others is done within this time. */
const SETTLED_MS = 120_000

type Options = { seed: number; from: number; kills: number; report: (line: string) => void }

/** What a series has done. */
export type BusinessKillFigures = { kills: number; reached: number; deeds: number; unknown: number }

/** The long series, of which tests run a sample. */
export async function fullBusinessKills(options: Omit<Options, 'kills'>): Promise<void> {
  await businessKills({ ...options, kills: FULL_KILLS })
}

/** Kills a shop with SIGKILL at any statement of what its customers and its staff do, from step
 *  `from` up to `kills`: whoever got no answer asks again with the same key. At times, and in the
 *  end, no money, stock or slot is lost or there twice. */
export async function businessKills(options: Options): Promise<BusinessKillFigures> {
  const { seed, from, kills, report } = options
  const begun = performance.now()
  const database = await nativeDatabase()
  await using _database = { [Symbol.asyncDispose]: () => database.close() }
  const pool = database.pool as unknown as SqlPool
  await using shop = new ShopProcess(database.url)
  await shop.begin()
  const furnished = await furnishShop(pool, shop.url)
  const { stocked } = furnished
  const customers = new Customers(furnished)
  const figures = { kills: 0, reached: 0, deeds: 0, unknown: 0 }
  for (let step = from; step < kills; step += 1) {
    const random = seeded(seed * 1_000 + step)
    const crash = {
      nth: between(random, 1, 500),
      side: between(random, 0, 1) === 0 ? ('before' as const) : ('after' as const),
    }
    const working = work(shop, customers, random)
    await sleep(between(random, 0, 150))
    shop.arm(crash)
    const reached = await shop.ended(PATIENCE_MS)
    await working
    await shop.begin()
    const unknown = customers.unanswered()
    figures.unknown += unknown.length
    for (const deed of unknown)
      if (!(await customers.send(shop.url, deed))) throw new Error(`no answer to ${deed.nsid}`)
    figures.kills += 1
    figures.reached += reached ? 1 : 0
    figures.deeds = customers.deeds.length
    const told = `${crash.side} statement ${crash.nth}, ${unknown.length} asked again`
    report(`kill ${step + 1} of ${kills}: ${told}`)
    if ((step + 1) % CHECK_EVERY === 0 || step + 1 === kills)
      await settle(pool, shop, () => wrongs(pool, customers, stocked)).catch((error: unknown) => {
        const begin = step - (step % CHECK_EVERY)
        report(`again: ./angelos test --full business-kills --seed ${seed} --from ${begin}`)
        throw error
      })
  }
  const seconds = Math.round((performance.now() - begun) / 1_000)
  report(
    `nothing is lost or there twice after ${figures.kills} kills, ${figures.reached} at their ` +
      `statement: ${figures.deeds} deeds, ${figures.unknown} of them asked again, ${seconds} s`,
  )
  return figures
}

/** Several people do one thing after the other until the shop ends. */
async function work(shop: ShopProcess, customers: Customers, random: () => number): Promise<void> {
  const { url } = shop
  const one = async () => {
    while (await customers.send(url, customers.next(random)));
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
}

/** What was to be asked of the provider, and what it tells, has been taken in. What a life was
 *  doing when it ended is begun again, as when its heartbeat is missed, and nothing waits its
 *  time. */
async function settle(
  pool: SqlPool,
  shop: ShopProcess,
  check: () => Promise<string[]>,
): Promise<void> {
  await pool.query(AGAIN, [QUEUES])
  await eventually(async () => {
    await shop.later(60_000)
    await pool.query(HURRY, [QUEUES])
    const { rows } = await pool.query<{ n: string }>(OPEN, [QUEUES])
    if (Number(rows[0]!.n) > 0) throw new Error(`${rows[0]!.n} jobs are not done yet`)
    const wrong = await check()
    if (wrong.length > 0) throw new Error(wrong.slice(0, 20).join('\n'))
  }, SETTLED_MS)
}

const QUEUES = ['payment-task', 'sandbox-event', 'notify', 'tell-customer', 'stock-changed']
const AGAIN = `update jobs.job set state = 'retry' where state = 'active' and name = any($1)`
const HURRY = `update jobs.job set start_after = now()
  where state in ('created', 'retry') and start_after > now() and name = any($1)`
const OPEN = `select count(*) as n from jobs.job
  where state in ('created', 'retry', 'active') and name = any($1)`

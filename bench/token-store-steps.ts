import { join } from 'node:path'
import { systemClock } from '../src/clock.ts'
import { nativeCrypto as crypto } from '../src/crypto/native.ts'
import { migrate } from '../src/database/migrate.ts'
import type { SqlPool } from '../src/database/sql.ts'
import type { Change } from '../src/tokens/ledger-view.ts'
import { migrations } from '../src/validator/migrations/index.ts'
import { openValidator } from '../src/validator/open-validator.ts'
import { postmasterPid } from '../test/database/hold.ts'
import { nativeDatabase } from '../test/database/native.ts'
import { NOON, foundTown } from '../test/tokens/town.ts'
import { median, percentile } from './paired.ts'
import { cpuOfTree } from './process-cpu.ts'
import type { Figure } from './result.ts'
import { OPENING, spendersOf, walletsOf } from './token-spenders.ts'

const COUNT = 256
/** The clock of a process's CPU ticks a hundred times a second: so many groups are one measure. */
const GROUPS = 12
const ROUNDS = 5

/** What the books of a validator cost in Postgres: a lock stored alone, and in a group of 256. */
export async function storeFigures(report: (line: string) => void): Promise<Figure[]> {
  await using parts = new AsyncDisposableStack()
  const database = await nativeDatabase<unknown>()
  parts.defer(() => database.close())
  const { pool, db, dataDir } = database
  await migrate({ db, schema: 'ledger', migrations })
  const spenders = spendersOf(COUNT)
  const grants = spenders.map(({ payer: { did } }) => {
    return { kind: 'system_grant' as const, amount: OPENING, to: did }
  })
  const { genesis, members } = await foundTown(4, grants)
  const { did, signer } = members[0]!
  const sql = pool as unknown as SqlPool
  const startsFile = join(dataDir, 'starts')
  const made = { sql, genesis, did, signer, crypto, clock: systemClock, startsFile }
  const { store } = await openValidator(made)
  const orders = walletsOf(genesis, spenders).map((wallet) => wallet.next(1)[0]!.order)
  let seq = 0
  const next = (count: number): Change[] => {
    seq += 1
    return orders.slice(0, count).map(({ account, id, senderKey, bytes: record }) => {
      return { change: 'lock', lock: { account, seq, id, senderKey, observedAt: NOON, record } }
    })
  }
  const accounts = spenders.map(({ payer }) => payer.did)
  const numbers = accounts.map((account) => ({ account, seq: 1 }))
  const server = postmasterPid(join(dataDir, 'postgres/pg18'))
  const figures: Figure[] = []
  const steps: [string, number, (count: number) => Promise<unknown>][] = [
    ['a lock stored alone', 1, (count) => store.commit(next(count))],
    ['a lock stored with 255 others', COUNT, (count) => store.commit(next(count))],
    [
      'an account and its lock loaded with 255 others',
      COUNT,
      () => store.load({ accounts, numbers, mints: [] }),
    ],
  ]
  for (const [name, count, run] of steps) {
    const costs = await costsOf({ count, run: () => run(count), server })
    const { own, postgres, wall } = costs
    report(`${name}: process ${own} µs, Postgres ${postgres} µs; the whole takes ${wall} ms`)
    figures.push(figure(name, own), figure(`${name}, in Postgres`, postgres))
    figures.push({ ...figure(`${name}, the whole`, wall), unit: 'ms' })
  }
  return figures
}

async function costsOf(of: { count: number; run: () => Promise<unknown>; server: number }) {
  const [own, postgres, wall]: [number[], number[], number[]] = [[], [], []]
  const groups = of.count === 1 ? GROUPS * 25 : GROUPS
  for (let round = -1; round < ROUNDS; round += 1) {
    const before = await cpuOfTree(of.server)
    const begun = process.cpuUsage()
    const times: number[] = []
    for (let group = 0; group < groups; group += 1) {
      const started = performance.now()
      await of.run()
      times.push(performance.now() - started)
    }
    const { user, system } = process.cpuUsage(begun)
    const each = 1 / (groups * of.count)
    if (round < 0) continue
    own.push((user + system) * each)
    postgres.push(((await cpuOfTree(of.server)) - before) * each)
    wall.push(percentile(times, 0.5))
  }
  const [a, b, c] = [own, postgres, wall].map((all) => Number(median(all).toFixed(1)))
  return { own: a!, postgres: b!, wall: c! }
}

function figure(name: string, us: number): Figure {
  const alone = { goal: null, reference: null, ratio: null }
  return { bench: `tokens step: ${name}`, ...alone, ours: us, unit: 'µs of CPU' }
}

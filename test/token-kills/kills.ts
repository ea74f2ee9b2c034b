import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { p256Signer } from '../../src/crypto/p256.ts'
import { migrate } from '../../src/database/migrate.ts'
import { openKysely } from '../../src/database/pool.ts'
import type { SqlPool } from '../../src/database/sql.ts'
import { encodeRecord } from '../../src/tokens/encoding.ts'
import { migrations } from '../../src/validator/migrations/index.ts'
import { nativeDatabase } from '../database/native.ts'
import { between, seeded } from '../fast/random.ts'
import { wrongs } from './checks.ts'
import { Oracle } from './oracle.ts'
import { Payers, UNDER_TEST } from './payers.ts'
import { ValidatorProcess } from './validator-process.ts'

const FULL_KILLS = 200
/** So long it is waited for a statement before the validator is killed where it is. */
const PATIENCE_MS = 3_000
/** Statements of one life, and of its beginning. */
const STATEMENTS = 120
const STATEMENTS_AT_START = 12

type Options = { seed: number; from: number; kills: number; report: (line: string) => void }

/** What a series has done. */
export type TokenKillFigures = {
  kills: number
  /** ended at the statement they were to end at */
  reached: number
  votes: number
  /** votes that were asked for once more, and were the same */
  again: number
  applied: number
}

/** The long series, of which tests run a sample. */
export async function fullTokenKills(options: Omit<Options, 'kills'>): Promise<void> {
  await tokenKills({ ...options, kills: FULL_KILLS })
}

/** Kills a validator with SIGKILL at any statement of what it does, from its first; all who got no
 *  answer ask again. What has left it never contradicts what leaves it later, and is in its
 *  books. */
export async function tokenKills(options: Options): Promise<TokenKillFigures> {
  const { seed, from, kills, report } = options
  const begun = performance.now()
  const database = await nativeDatabase()
  const folder = mkdtempSync(join(tmpdir(), 'angelos-token-kills-'))
  await using _ended = {
    [Symbol.asyncDispose]: async () => {
      await database.close()
      rmSync(folder, { recursive: true })
    },
  }
  const pool = database.pool as unknown as SqlPool
  await migrate({ db: openKysely(database.pool), schema: 'ledger', migrations })
  const key = randomBytes(32)
  const oracle = new Oracle(p256Signer(key).didKey)
  const payers = new Payers(oracle, p256Signer(key).didKey)
  const genesis = encodeRecord(payers.genesis.epoch)
  const startsFile = join(folder, 'validator-starts')
  const life = { databaseUrl: database.url, genesis, did: UNDER_TEST, key, startsFile }
  await using validator = new ValidatorProcess(life)
  const figures = { kills: 0, reached: 0, votes: 0, again: 0, applied: 0 }
  for (let step = from; step < kills; step += 1) {
    const random = seeded(seed * 1_000 + step)
    const atStart = between(random, 0, 3) === 0
    const nth = between(random, 1, atStart ? STATEMENTS_AT_START : STATEMENTS)
    const side = between(random, 0, 1) === 0 ? ('before' as const) : ('after' as const)
    const alive = await validator.begin(atStart ? { nth, side } : undefined)
    if (alive && !atStart) validator.arm({ nth, side })
    const paying = alive ? payers.pay(validator, random) : Promise.resolve()
    const [reached] = await Promise.all([validator.ended(PATIENCE_MS), paying])
    if (!(await validator.begin())) throw new Error('it ended without having been told to')
    await payers.finish(validator, random)
    const wrong = await wrongs(pool, oracle, payers)
    if (wrong.length > 0) {
      report(`again: ./angelos test --full token-kills --seed ${seed} --from ${step}`)
      throw new Error(wrong.slice(0, 20).join('\n'))
    }
    await validator.ended(0)
    figures.kills += 1
    figures.reached += reached ? 1 : 0
    const { votes, again } = oracle
    Object.assign(figures, { votes: votes.size, again, applied: payers.applied.length })
    report(
      `kill ${step + 1} of ${kills}: ${side} statement ${nth}${atStart ? ' of its start' : ''}`,
    )
  }
  const seconds = Math.round((performance.now() - begun) / 1_000)
  report(
    `no vote contradicts another and nothing is lost after ${figures.kills} kills, ` +
      `${figures.reached} at their statement: ${figures.applied} transfers applied, ` +
      `${figures.votes} votes, ${figures.again} of them given again, ${seconds} s`,
  )
  return figures
}

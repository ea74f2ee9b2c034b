import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { systemClock } from '../src/clock.ts'
import { nativeCrypto as crypto } from '../src/crypto/native.ts'
import { migrate } from '../src/database/migrate.ts'
import type { SqlPool } from '../src/database/sql.ts'
import { type Certificate, assemble } from '../src/tokens/certificate.ts'
import { encodeRecord } from '../src/tokens/encoding.ts'
import { committeeOf } from '../src/tokens/epoch.ts'
import type { Answer } from '../src/tokens/validator.ts'
import { type Desk, openDesk } from '../src/validator/desk.ts'
import { migrations } from '../src/validator/migrations/index.ts'
import { openValidator } from '../src/validator/open-validator.ts'
import { postmasterPid } from '../test/database/hold.ts'
import { type NativeDatabase, nativeDatabase } from '../test/database/native.ts'
import { type Town, attested, foundTown } from '../test/tokens/town.ts'
import { median } from './paired.ts'
import { cpuOfTree } from './process-cpu.ts'
import type { Figure } from './result.ts'
import { OPENING, type Proven, type Wallet, spendersOf, walletsOf } from './token-spenders.ts'

const ACCOUNTS = 256
const ROUNDS = 3
/** Transfers of each account in a round, so that Postgres's CPU is many ticks of its clock. */
const EACH = 8

/** CPU in µs for each transfer. */
type Cost = {
  readonly orderUs: number
  readonly certificateUs: number
  readonly postgresUs: number
}

/**
 * What a validator spends on a transfer with everything a node does but HTTP: proofs from repos
 * (commit signed with k256, way through the tree, record), both records read from their bytes, and
 * locks and transfers durable in Postgres, whose CPU stands beside it. 256 are under way at once.
 */
export async function storedFigures(report: (line: string) => void, share = 1): Promise<Figure[]> {
  const variants = [
    { n: 4, batched: false },
    { n: 4, batched: true },
    { n: 7, batched: true },
    { n: 10, batched: true },
  ]
  await using parts = new AsyncDisposableStack()
  const database = await nativeDatabase<unknown>()
  parts.defer(() => database.close())
  await migrate({ db: database.db, schema: 'ledger', migrations })
  const each = Math.max(1, Math.round(EACH * share))
  const measured = []
  for (const variant of variants) {
    const stored = await openStored(database, variant)
    await oneRound(stored, 1)
    measured.push({ ...variant, stored, costs: [] as Cost[] })
  }
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const { n, batched, stored, costs } of measured) {
      const cost = await oneRound(stored, each)
      costs.push(cost)
      report(`round ${round}, ${nameOf(n, batched)}: ${told(cost)}`)
    }
  }
  return measured.flatMap(({ n, batched, costs }) => figuresOf(nameOf(n, batched), costs))
}

type Stored = {
  readonly town: Town
  readonly desk: Desk
  readonly wallets: readonly Wallet[]
  postgresUs(): Promise<number>
}

/** The first member of a town with its books in Postgres; the others keep theirs in memory. */
async function openStored(
  { pool, dataDir }: NativeDatabase<unknown>,
  { n, batched }: { readonly n: number; readonly batched: boolean },
): Promise<Stored> {
  const spenders = spendersOf(ACCOUNTS)
  const identities = new Map(spenders.map(({ identity }) => [identity.did, identity]))
  const grants = spenders.map(({ payer: { did } }) => {
    return { kind: 'system_grant' as const, amount: OPENING, to: did }
  })
  const town = await foundTown(n, grants, { batched })
  const { genesis } = town
  const { did, signer } = town.members[0]!
  const sql = pool as unknown as SqlPool
  const startsFile = join(dataDir, `starts-${randomUUID()}`)
  const clock = systemClock
  const made = { sql, genesis, did, signer, crypto, clock, startsFile, batched }
  const opened = await openValidator(made)
  const resolve = (of: string) => Promise.resolve(identities.get(of))
  const desk = openDesk({ opened, sql, crypto, clock, resolve })
  const server = postmasterPid(join(dataDir, 'postgres/pg18'))
  return { town, desk, wallets: walletsOf(genesis, spenders), postgresUs: () => cpuOfTree(server) }
}

async function oneRound(stored: Stored, each: number): Promise<Cost> {
  const { town, wallets } = stored
  const used = { orderUs: 0, certificateUs: 0, postgresUs: 0 }
  const transfers = wallets.map((wallet) => wallet.next(each))
  for (let at = 0; at < each; at += 1) {
    const group = transfers.map((of) => of[at]!)
    const votes = await votesOf(town, group)
    const locked = await costOf(stored, () =>
      Promise.all(group.map(({ submission }) => stored.desk.submit(submission))),
    )
    const certificates = group.map((_, index) => certify(town, [locked.answers, ...votes], index))
    const bytes = certificates.map(encodeRecord)
    const applied = await costOf(stored, () =>
      Promise.all(
        group.map(({ submission: { account, record } }, index) =>
          stored.desk.apply(account, record, bytes[index]!),
        ),
      ),
    )
    for (const answer of applied.answers) attested(answer)
    await applyAtOthers(town, group, certificates)
    used.orderUs += locked.ownUs
    used.certificateUs += applied.ownUs
    used.postgresUs += locked.postgresUs + applied.postgresUs
  }
  const share = 1 / (each * wallets.length)
  return {
    orderUs: used.orderUs * share,
    certificateUs: used.certificateUs * share,
    postgresUs: used.postgresUs * share,
  }
}

async function costOf(stored: Stored, work: () => Promise<Answer[]>) {
  const before = await stored.postgresUs()
  const begun = process.cpuUsage()
  const answers = await work()
  const { user, system } = process.cpuUsage(begun)
  return { answers, ownUs: user + system, postgresUs: (await stored.postgresUs()) - before }
}

/** What the other members vote, who need no proofs here. */
async function votesOf({ members }: Town, group: readonly Proven[]): Promise<Answer[][]> {
  return Promise.all(
    members
      .slice(1)
      .map(({ validator }) => Promise.all(group.map(({ order }) => validator.submit(order)))),
  )
}

/** The first quorum of votes on a transfer, the measured validator's among them. */
function certify(town: Town, votes: readonly Answer[][], index: number): Certificate {
  const { quorum } = committeeOf(town.genesis)
  const found = votes.slice(0, quorum).map((of) => attested(of[index]!))
  return assemble(
    found[0]!.about,
    found.map(({ attestation }) => attestation),
  )
}

async function applyAtOthers(
  { members }: Town,
  group: readonly Proven[],
  certificates: readonly Certificate[],
): Promise<void> {
  for (const { validator } of members.slice(1)) {
    await Promise.all(group.map(({ order }, index) => validator.apply(order, certificates[index]!)))
  }
}

function nameOf(n: number, batched: boolean): string {
  return `n=${n}${batched ? ' batched' : ''}`
}

function told({ orderUs, certificateUs, postgresUs }: Cost): string {
  const [order, certificate, postgres] = [orderUs, certificateUs, postgresUs].map(Math.round)
  const rate = Math.round(1e6 / (orderUs + certificateUs))
  const all = Math.round(1e6 / (orderUs + certificateUs + postgresUs))
  return (
    `${rate}/CPU-s of the process (order ${order} µs, certificate ${certificate} µs), ` +
    `${all} with Postgres (${postgres} µs)`
  )
}

function figuresOf(name: string, costs: readonly Cost[]): Figure[] {
  const alone = { goal: null, reference: null, ratio: null }
  const unit = 'certified transfers per CPU-second and validator'
  const rate = (of: (cost: Cost) => number) => Math.round(median(costs.map((c) => 1e6 / of(c))))
  const own = (cost: Cost) => cost.orderUs + cost.certificateUs
  const bench = `tokens with proofs and Postgres, ${name}`
  return [
    { bench, ...alone, ours: rate(own), unit },
    {
      bench: `${bench}, its CPU counted`,
      ...alone,
      ours: rate((cost) => own(cost) + cost.postgresUs),
      unit,
    },
  ]
}

import { setTimeout as sleep } from 'node:timers/promises'
import { between } from '../fast/random.ts'
import { Account, Revisions, didOf } from './account.ts'
import { FakeHost } from './fake-host.ts'
import { openDirectory } from './fake-directory.ts'

/** Everything outside the consumer, and the truth that it has to come to. */
export type World = AsyncDisposable & {
  readonly plcUrl: string
  /** the own PDS, one all accounts of which are followed, and one of whose only some are */
  readonly hosts: readonly [FakeHost, FakeHost, FakeHost]
  readonly accounts: readonly Account[]
  /** accounts of the third host that the consumer is told to follow */
  readonly followed: readonly string[]
  /** accounts of the third host that only a record of the first space names */
  readonly guests: readonly string[]
  /** guests that the directory was asked about */
  readonly asked: ReadonlySet<string>
  /** frames that no consumer can show, by CID */
  readonly bad: Set<string>
}

const ACCOUNTS = 30
const GUESTS = 6
/** The directory takes its time for guests, so that a kill can come between. */
const GUEST_MS = 150

/** How many of the accounts, from the first on, are spaces that others write in. */
export const SPACES = 4

/** Opens three hosts with accounts that have their first, empty commit. */
export async function openWorld(random: () => number): Promise<World> {
  await using parts = new AsyncDisposableStack()
  const open = async () => parts.use(await new FakeHost().open())
  const hosts: World['hosts'] = [await open(), await open(), await open()]
  const revisions = new Revisions()
  const accounts = Array.from({ length: ACCOUNTS }, (_, n) => {
    const homes = n < SPACES || (n % 2 === 0 && n < ACCOUNTS - GUESTS) ? 2 : 3
    const home = n < ACCOUNTS - GUESTS ? between(random, 0, homes - 1) : 2
    return new Account({ n, host: hosts[home]!, revisions, homes })
  })
  const byDid = new Map(accounts.map((account) => [account.did, account]))
  const guests = accounts.slice(-GUESTS).map(({ did }) => did)
  const asked = new Set<string>()
  const directory = await openDirectory(async (did) => {
    if (guests.includes(did)) {
      asked.add(did)
      await sleep(GUEST_MS)
    }
    const account = byDid.get(did)
    return account && { key: account.signer.didKey, pds: account.host.origin }
  })
  parts.use(directory)
  const there = accounts.filter(({ host }) => host === hosts[2]).map(({ did }) => did)
  const followed = there.filter((did) => !guests.includes(did))
  const closing = parts.move()
  const bad = new Set<string>()
  const close = () => closing.disposeAsync()
  const world = { plcUrl: directory.origin, hosts, accounts, followed, guests, asked, bad }
  return { ...world, [Symbol.asyncDispose]: close }
}

/** The space that admits the guests; nothing ever happens to it. */
export const FIRST_SPACE = didOf(0)

import { toBytes } from '@atcute/cbor'
import type { Account } from '../../src/tokens/account.ts'
import { quorumOf } from '../../src/tokens/quorum.ts'
import { openEpoch } from '../../src/tokens/settle.ts'
import { stateRoot } from '../../src/tokens/state-root.ts'
import { audit, startAuditor } from './auditor.ts'
import { startCrook } from './crook.ts'
import { createDisk } from './disk.ts'
import { startForger } from './forger.ts'
import { type Cast, castOf, foundWorld } from './found-world.ts'
import { type Governance, createGovernance } from './governance.ts'
import { type HonestHost, createHonestHost, currentOf } from './honest-host.ts'
import { createLiar } from './liar.ts'
import { type Payer, createPayer } from './payer.ts'
import { type Control, type Ingredient, drawPlan } from './plan.ts'
import { KARMA_POOL, poolGrants, startPoolCrook } from './pools.ts'
import { drawPayment, drawReward } from './spending.ts'
import type { CryptoSuite } from './stub-crypto.ts'
import { startTroubles } from './troubles.ts'
import { startHider, startTwins } from './twins.ts'
import { type World, didOf, headOf, membersOf } from './world.ts'

/** How a run came out. */
export type Run = {
  readonly seed: number
  /** What was found against the protocol; nothing else ends a run early. */
  readonly breach?: string
  readonly events: number
  /** Orders of correct senders that are final. */
  readonly settled: number
  readonly epochs: number
  /** How often each scenario was met. */
  readonly met: ReadonlyMap<number, number>
  readonly trace: readonly string[]
}

/** What of a run can be chosen. */
export type RunOptions = {
  readonly suite: CryptoSuite
  readonly without?: readonly Ingredient[]
  readonly control?: Control | undefined
  /** Least events of the phase with troubles; 500 unless given. */
  readonly events?: number
  /** Keeps what happened, line by line. */
  readonly isTold?: boolean
}

const EVENTS = 500
/** After healing so many events are enough, or it does not come to rest. */
const REST_EVENTS = 30_000

/** Runs one seed: troubles first, then everything is healed and must come to rest. */
export async function simulate(seed: number, options: RunOptions): Promise<Run> {
  const plan = drawPlan(seed, { events: EVENTS, ...options })
  const cast = castOf(plan)
  const { world, opening, met } = foundWorld(plan, cast, options.suite)
  const trace: string[] = []
  const { oracle, net } = world
  const hosts = openHosts(world, cast, opening)
  const { payers, governance } = startPeople(world, cast, hosts)
  startTroubles(world, hosts, payers, governance)
  const end = (breach?: string): Run => ({
    seed,
    ...(breach !== undefined && { breach }),
    events: net.steps,
    settled: payers.reduce((all, { done }) => all + done, 0),
    epochs: world.chain.length,
    met,
    trace,
  })
  const runTo = async (isOver: () => boolean): Promise<void> => {
    while (!isOver() && oracle.breaches.length === 0) {
      const happened = await net.step()
      if (!happened) break
      if (options.isTold) for (const what of happened) trace.push(`${net.now} ${what}`)
    }
  }
  try {
    await runTo(() => net.steps >= plan.events)
    world.isTroubled = false
    net.heal()
    const most = net.steps + REST_EVENTS
    const isAtRest = (): boolean =>
      (payers.every(({ isWaiting }) => !isWaiting) && !governance.isBusy) || governance.isStuck
    await runTo(() => isAtRest() || net.steps > most)
    if (oracle.breaches.length > 0) return end(oracle.breaches[0])
    if (!isAtRest()) return end(`I14: ${payers.map((one) => one.describe()).join('; ')}`)
    if (!governance.isStuck) await agree(world, hosts, runTo)
    for (const one of world.finals.slice(-2)) audit(world, one, world.random('last audit'))
  } catch (error) {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    return end(`halted: ${text}`)
  }
  return end(oracle.breaches[0])
}

function openHosts(
  world: World,
  { validators }: Cast,
  opening: ReadonlyMap<string, Account>,
): Map<string, HonestHost> {
  const hosts = new Map<string, HonestHost>()
  for (const did of validators) {
    if (world.liars.has(did)) world.nodes.set(did, createLiar(world, did))
    else openHost(world, hosts, did, opening)
  }
  return hosts
}

function openHost(
  world: World,
  hosts: Map<string, HonestHost>,
  did: string,
  opening: ReadonlyMap<string, Account>,
): void {
  const { plan, oracle } = world
  const random = world.random(`disk ${did}`)
  const current = currentOf(headOf(world), world.persons)
  const faults = { 'forgetful-disk': 'forgets', 'torn-disk': 'keeps torn writes' } as const
  const fault =
    plan.control === 'forgetful-disk' || plan.control === 'torn-disk'
      ? faults[plan.control]
      : undefined
  const disk = createDisk({
    current,
    opening,
    random,
    fault,
    stored: (group) => oracle.stored(did, group),
    struck: () => world.met(28),
  })
  void disk.begin()
  oracle.entered(did, current.epoch.epoch, opening)
  const skew = random.between(-2_000, 2_000)
  const host = createHonestHost(world, { did, disk, skew, lag: random.between(0, 4_000) })
  hosts.set(did, host)
  world.nodes.set(did, host)
}

function startPeople(
  world: World,
  cast: Cast,
  hosts: Map<string, HonestHost>,
): { payers: Payer[]; governance: Governance } {
  const { plan } = world
  const payers = cast.payers.map((did, at) =>
    createPayer(world, did, {
      funds: at % 2 === 0 ? 20_000_000n : 60_000n,
      draw: drawPayment(world, did, cast.payers),
    }),
  )
  world.paid = ({ transfer }) => {
    for (const { to, amount } of transfer.credits) {
      payers.find(({ did }) => did === to)?.credited(BigInt(amount))
    }
  }
  if (plan.has('pools')) {
    const draw = drawReward(world, cast.payers)
    payers.push(createPayer(world, KARMA_POOL, { funds: 3_000_000n, draw }))
  }
  if (plan.has('crook')) {
    const did = didOf('crook')
    const crook = createPayer(world, did, { funds: 0n, draw: drawOnce(cast.payers[0]!) })
    payers.push(crook)
    startCrook(world, did, () => crook.next())
  }
  if (plan.has('pool-crook')) {
    const pool = payers.find(({ did }) => did === KARMA_POOL)
    startPoolCrook(world, cast.payers, pool && (() => pool.next()))
  }
  if (plan.has('twins')) for (const name of ['twin a', 'twin b']) startTwins(world, didOf(name))
  if (plan.has('hider')) startHider(world, didOf('hider'))
  if (plan.has('forger')) startForger(world, didOf('forger'))
  if (plan.has('auditor')) startAuditor(world)
  return { payers, governance: startGovernance(world, hosts) }
}

/** One true payment, before the tricks. */
function drawOnce(to: string) {
  const content = () => ({ credits: [{ to, amount: 1_000 }] })
  return (_: bigint, seq: number) => (seq === 1 ? content : undefined)
}

function startGovernance(world: World, hosts: Map<string, HonestHost>): Governance {
  const { plan } = world
  const opening = (): ReadonlyMap<string, Account> => openingOf(world)
  return createGovernance(world, {
    opening,
    next: (variant) => {
      const number = world.chain.length
      const endpoint = 'http://localhost:2583'
      const joiner = didOf('validator z')
      const members = membersOf(world)
      const joins = plan.has('joiner') && number === 1
      const dids = joins ? [...members, joiner] : members
      const more = variant === 0 ? [] : [rivalGrant()]
      return {
        validators: dids.map((did) => {
          return { did, key: world.signerOf(did, number).didKey, endpoint }
        }),
        quorum: quorumOf(dids.length),
        grants: [...poolGrants(), ...more],
      }
    },
    joined: (did) => join(world, hosts, did),
  })
}

/** A validator joins with the accounts that somebody gives it: wrong ones show by their root. */
function join(world: World, hosts: Map<string, HonestHost>, did: string): void {
  const { read, before } = headOf(world)
  if (!before || !read.epoch.handover) return
  const { crypto } = world.suite
  const [first, ...rest] = [...before.accounts.values()]
  const wrong = [{ ...first!, balance: first!.balance + 1n }, ...rest]
  const isRight = (accounts: Iterable<Account>): boolean =>
    toBytes(stateRoot(crypto, accounts)).$bytes === read.epoch.handover?.stateRoot.$bytes
  if (isRight(wrong)) world.oracle.breach('a wrong state has the right root')
  if (!isRight(before.accounts.values())) world.oracle.breach('the right state has a wrong root')
  world.met(33)
  openHost(world, hosts, did, openingOf(world))
}

function rivalGrant() {
  return { kind: 'system_grant', to: didOf('rival'), amount: 1_000 } as const
}

/** What the newest epoch has opened with. */
function openingOf({ chain }: World): ReadonlyMap<string, Account> {
  const { read, before } = chain.at(-1)!
  return openEpoch(before?.accounts.values() ?? [], read.epoch.grants)
}

function tellStanding({ did, disk, isUp }: HonestHost): string {
  const accounts = [...disk.tables.accounts.values()].toSorted((a, b) => (a.did < b.did ? -1 : 1))
  const standing = accounts.map((one) => `${one.did.slice(8, 16)} ${one.seq} ${one.balance}`)
  return `${did}${isUp ? '' : ' is down'}: ${standing.join(', ')}`
}

/** All that is certified comes to all honest validators, and then they are one. */
async function agree(
  world: World,
  hosts: Map<string, HonestHost>,
  runTo: (isOver: () => boolean) => Promise<void>,
): Promise<void> {
  const { net, oracle, suite } = world
  const members = membersOf(world)
  const honest = [...hosts.values()].filter(({ did }) => members.includes(did))
  const rootOf = ({ disk }: HonestHost): string =>
    `${disk.current.epoch.epoch} ${stateRoot(suite.crypto, disk.tables.accounts.values()).join()}`
  const isOne = (): boolean => new Set(honest.map(rootOf)).size === 1
  for (let round = 0; round < 60 && !isOne(); round += 1) {
    for (const host of honest) {
      net.after(10, host.did, 'catches up', () => host.catchUp())
    }
    const until = net.now + 1_000
    await runTo(() => net.now >= until)
  }
  if (!isOne() && oracle.breaches.length === 0) {
    oracle.breach(`I9: ${honest.map(tellStanding).join('; ')}`)
  }
}

import { between } from '../fast/random.ts'
import {
  type Change,
  type Message,
  type Write,
  commitMessage,
  firstState,
  signedAnew,
  syncMessage,
} from '../simulator/repo.ts'
import type { Account } from './account.ts'
import { admission, drawRecord, pick, strangeRecord } from './draw-record.ts'
import type { FakeHost } from './fake-host.ts'
import { SPACES, type World } from './world.ts'

const TIME = '2026-11-20T10:00:00.000Z'

type Act = (world: World, random: () => number) => void

const ACTS: readonly (readonly [weight: number, Act])[] = [
  [60, (world, random) => tellCommit(write(world, somebody(world, random), random))],
  [5, (world, random) => untold(world, somebody(world, random), random)],
  [2, (world, random) => tellSync(somebody(world, random))],
  [5, (world, random) => turn(somebody(world, random), pick(random, AWAY))],
  [7, (world, random) => comeBack(world, random)],
  [2, (world, random) => turn(pick(random, mortals(world)), 'deleted')],
  [3, (world, random) => move(world, somebody(world, random), random)],
  [2, (world, random) => rotateKey(somebody(world, random))],
  [1, (world, random) => startAnew(somebody(world, random))],
  [1, (world, random) => tellIdentity(somebody(world, random))],
  [1, (world, random) => pick(random, world.hosts).cut()],
  [1, (world, random) => pick(random, world.hosts).forget(between(random, 0, 5))],
  [0.5, (world, random) => pick(random, world.hosts).countAnew()],
  [2, (world, random) => void (pick(random, world.hosts).slowMs = between(random, 0, 600))],
]
const AWAY = ['deactivated', 'suspended', 'takendown']

/** Lets one thing happen in the world, and says which in a few words. */
export function happen(world: World, random: () => number): void {
  let left = random() * ACTS.reduce((sum, [weight]) => sum + weight, 0)
  const [, act] = ACTS.find(([weight]) => (left -= weight) < 0) ?? ACTS[0]!
  act(world, random)
}

/** Tells what was not told yet: one more commit shows that something is missing. */
export function settle(world: World, random: () => number): void {
  for (const account of world.accounts) {
    if ((account.owes || account.outdated) && account.status === 'active')
      tellCommit(write(world, account, random))
  }
}

/** The first space admits somebody, by which the consumer hears of them. */
export function admit(world: World, guest: string): void {
  const [space] = world.accounts
  const { path, block } = admission(space!.did, guest)
  if (space!.state.records.has(path)) return
  tellCommit({ account: space!, made: space!.commit([{ path, block }]) })
}

/** Anybody but the first space, and no guest: of those too much is expected. */
function somebody({ accounts, guests }: World, random: () => number): Account {
  return pick(random, accounts.slice(1, accounts.length - guests.length))
}

/** Those who never live where only some are followed: nobody would look for a deleted one there. */
function mortals({ accounts, hosts }: World): Account[] {
  return accounts.slice(1).filter(({ homes }) => homes !== hosts.length)
}

function move({ hosts }: World, account: Account, random: () => number): void {
  migrate(account, pick(random, hosts.slice(0, account.homes)))
}

type Told = { account: Account; made: Change } | undefined

function write(world: World, account: Account, random: () => number): Told {
  if (account.status !== 'active') return undefined
  const writes = new Map<string, Write>()
  for (let n = between(random, 1, 4); n > 0; n -= 1) {
    const drawn = draw(world, account, random)
    writes.set(drawn.path, drawn)
  }
  const changed = [...writes.values()].filter(({ path, block }) => {
    return block?.link !== account.state.records.get(path)?.link
  })
  return { account, made: account.commit(changed) }
}

function draw(world: World, account: Account, random: () => number): Write {
  const there = [...account.state.records.keys()]
  if (there.length > 2 && random() < 0.25) return { path: pick(random, there), block: null }
  if (random() < 0.15) return strangeRecord(random)
  const others = world.accounts.filter(({ did }) => did !== account.did && !isGuest(world, did))
  const space = world.accounts[between(random, 0, SPACES - 1)]!.did
  const cast = [pick(random, others).did, pick(random, others).did] as const
  const drawn = drawRecord(random, { author: account.did, space, others: cast })
  if (drawn.bad) world.bad.add(`${account.did} ${drawn.path} ${drawn.block.link}`)
  return drawn
}

function isGuest({ guests }: World, did: string): boolean {
  return guests.includes(did)
}

function tellCommit(told: Told): void {
  if (!told) return
  const { account, made } = told
  account.owes = false
  account.host.emit(commitMessage(made, TIME))
}

/** A commit that is missing in the stream. */
function untold(world: World, account: Account, random: () => number): void {
  if (write(world, account, random)) account.owes = true
}

function tellSync(account: Account): void {
  if (account.status !== 'active') return
  account.owes = false
  account.host.emit(syncMessage(account.state, TIME))
}

function tellAccount(account: Account, host = account.host, status = account.status): void {
  const active = status === 'active'
  host.emit(messageOf('#account', account, { active, ...(!active && { status }) }))
}

function tellIdentity(account: Account, host = account.host): void {
  host.emit(messageOf('#identity', account, {}))
}

function messageOf(type: string, { did }: Account, more: object): Message {
  return { type, body: { did, time: TIME, ...more } }
}

function turn(account: Account, status: string): void {
  if (account.status === status || account.status === 'deleted') return
  account.turn(status)
  tellAccount(account)
}

/** One of those that are away is back, also a deleted one, and may have written meanwhile. */
function comeBack(world: World, random: () => number): void {
  const away = world.accounts.filter(({ status }) => status !== 'active')
  if (away.length === 0) return
  const account = pick(random, away)
  account.turn('active')
  if (random() < 0.5) write(world, account, random)
  tellAccount(account)
  if (random() < 0.5) tellSync(account)
  else account.owes = true
}

function rotateKey(account: Account): void {
  account.rotateKey()
  tellIdentity(account)
}

/** The new host has the repo, the directory says so, then both hosts do. */
function migrate(account: Account, to: FakeHost): void {
  const from = account.host
  if (from === to || account.status !== 'active') return
  from.served.set(account.did, { state: account.state, status: 'deactivated' })
  account.host = to
  resign(account)
  tellIdentity(account)
  tellAccount(account)
  tellSync(account)
  tellAccount(account, from, 'deactivated')
}

function resign(account: Account): void {
  const { revisions, signer, state } = account
  account.become(signedAnew(state, { rev: revisions.next(), signer }))
}

/** An empty repo, as after an import that went wrong. */
function startAnew(account: Account): void {
  if (account.status !== 'active') return
  const { did, revisions, signer } = account
  account.become(firstState(did, { rev: revisions.next(), signer }))
  tellSync(account)
}

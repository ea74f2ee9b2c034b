import { between } from '../fast/random.ts'
import type { About, Host } from './host.ts'
import { OTHERS, OURS, type Person } from './person.ts'
import {
  type Change,
  type Message,
  type Write,
  commitMessage,
  firstState,
  signedAnew,
  syncMessage,
} from './repo.ts'
import { type Stage, enter, pick } from './stage.ts'
import { type Block, blockOf } from './tree.ts'

/** The time as messages tell it. */
export function timeOf(stage: Stage): string {
  return new Date(stage.world.now).toISOString()
}

/** Writes of a commit: a few operations on different paths, which may be none at all. */
export function drawWrites(stage: Stage, person: Person): Write[] {
  const { random } = stage
  const writes = new Map<string, Write>()
  const there = [...person.state.records.keys()]
  const count = random() < 0.03 ? 0 : random() < 0.6 ? 1 : between(random, 2, 6)
  for (let n = 0; n < count; n += 1) {
    const isNew = there.length < 3 || random() < 0.5
    const path = isNew ? newPath(random) : pick(random, there)
    const gone = person.state.records.has(path) && random() < 0.45
    writes.set(path, { path, block: gone ? null : drawRecord(stage) })
  }
  return [...writes.values()].filter(
    ({ path, block }) => block?.link !== person.state.records.get(path)?.link || block === null,
  )
}

function newPath(random: () => number): string {
  const collection = pick(random, random() < 0.75 ? OURS : OTHERS)
  return `${collection}/r${between(random, 0, 400)}`
}

/** A record; now and then one that no consumer can show. */
function drawRecord({ random, poison }: Stage): Block {
  if (random() >= 0.01) {
    return blockOf({ text: `text ${between(random, 0, 1_000_000)}`, count: between(random, 0, 9) })
  }
  let value: unknown = between(random, 0, 1_000_000)
  for (let level = 0; level < 40; level += 1) value = { x: value }
  const block = blockOf(random() < 0.5 ? value : ['no', 'map', between(random, 0, 1_000_000)])
  poison.add(block.link)
  return block
}

/** Gives out a message about the account from its host. */
export function tell(person: Person, message: Message, about: About = {}): void {
  person.host.emit(message, { did: person.did, ...about })
}

/** An account writes, and its host says so. */
export function write(stage: Stage, person: Person): Change | undefined {
  if (person.status !== 'active') return undefined
  const made = person.prepare(drawWrites(stage, person), stage.world.now * 1000)
  person.become(made.after)
  person.owesCommit = false
  tell(person, commitMessage(made, timeOf(stage)), { rev: made.after.rev, proof: true })
  stage.note(`${person.did} writes ${made.writes.length} at ${person.host.origin}`)
  return made
}

/** The host says where the repo is, and not how it came there. */
export function tellSync(stage: Stage, person: Person): void {
  const { rev } = person.state
  tell(person, syncMessage(person.state, timeOf(stage)), { rev, proof: true })
}

/** The account's host says that its document may have changed. */
export function tellIdentity(stage: Stage, person: Person, host: Host = person.host): void {
  const body = { did: person.did, time: timeOf(stage), handle: `${person.did.slice(8)}` }
  host.emit({ type: '#identity', body }, { did: person.did })
}

/** A host says whether it hosts the account. */
export function tellAccount(
  stage: Stage,
  person: Person,
  { host = person.host, status = person.status }: { host?: Host; status?: string } = {},
): void {
  const active = status === 'active'
  const body = { did: person.did, time: timeOf(stage), active, ...(!active && { status }) }
  const isHome = host === person.host
  const isBack = isHome && active && !person.hiddenStatus
  host.emit(
    { type: '#account', body },
    { did: person.did, ...(isHome && { status }), ...(isBack && { rev: person.state.rev }) },
  )
}

/** The account's status changes, and its host says so, but for a share `unsaid` of times. What was
 *  written meanwhile nobody was told; after a return a `#sync` should follow. */
export function changeStatus(stage: Stage, person: Person, status: string, unsaid = 0.3): void {
  if (person.status === 'deleted' || person.status === status) return
  stage.note(`${person.did} is ${status}`)
  const wasAway = person.status !== 'active'
  if (wasAway && status === 'active' && stage.random() < 0.5) {
    // Who was never told that it went does not wonder what it has done meanwhile.
    person.hidden ||= person.hiddenStatus
    person.become(person.prepare(drawWrites(stage, person), stage.world.now * 1000).after)
  }
  person.status = status
  const served = person.host.served.get(person.did)
  if (served !== undefined) served.status = status
  if (status === 'active' && person.owesCommit) {
    stage.world.after(1000, () => void write(stage, person))
  }
  if (stage.random() < unsaid) {
    person.hiddenStatus = true
    return
  }
  tellAccount(stage, person)
  if (status === 'active' && stage.random() < 0.5) tellSync(stage, person)
}

/** The account gets another key, and from now on signs with it. */
export function rotateKey(stage: Stage, person: Person, { quiet }: { quiet: boolean }): void {
  stage.note(`${person.did} has a new key${quiet ? ', quietly' : ''}`)
  person.key += between(stage.random, 1, 62)
  // What was signed with the old key proves nothing any more.
  person.owesCommit = true
  enter(stage, person)
  if (!quiet) tellIdentity(stage, person)
}

/** The account pauses, as somebody does who wants to leave, and then begins where it moves to. */
export function leaveFor(stage: Stage, person: Person, to: Host): void {
  const from = person.host
  if (from === to || person.status !== 'active') return
  changeStatus(stage, person, 'deactivated')
  person.rests ||= stage.random() < 0.7
  stage.world.after(between(stage.random, 5, 120) * 1000, () => {
    if (person.host !== from || person.status !== 'deactivated') return
    person.status = 'active'
    migrate(stage, person, to)
    if (person.owesCommit) stage.world.after(1000, () => void write(stage, person))
  })
}

/** The account moves: the new host has the repo, the directory says so, then both hosts do. */
export function migrate(stage: Stage, person: Person, to: Host): void {
  const from = person.host
  if (from === to || person.status !== 'active') return
  stage.note(`${person.did} moves from ${from.origin} to ${to.origin}`)
  if (stage.random() < 0.5) person.key += between(stage.random, 1, 62)
  const rev = person.nextRev(stage.world.now * 1000)
  const state = signedAnew(person.state, { rev, signer: person.signer })
  const old = from.served.get(person.did)
  if (old !== undefined) old.status = 'deactivated'
  person.host = to
  to.served.set(person.did, { state, status: 'active', past: [] })
  person.state = state
  enter(stage, person)
  const tellNew = (): void => {
    tellIdentity(stage, person)
    if (stage.random() < 0.6) tellAccount(stage, person)
    if (stage.random() < 0.6) tellSync(stage, person)
  }
  const tellOld = (): void => tellAccount(stage, person, { host: from, status: 'deactivated' })
  const both = stage.random() < 0.5 ? [tellNew, tellOld] : [tellOld, tellNew]
  for (const say of both) say()
}

/** The account begins anew with an empty repo, as after an import that went wrong. */
export function startAnew(stage: Stage, person: Person): void {
  if (person.status !== 'active') return
  stage.note(`${person.did} begins anew`)
  const rev = person.nextRev(stage.world.now * 1000)
  person.become(firstState(person.did, { rev, signer: person.signer }))
  tellSync(stage, person)
}

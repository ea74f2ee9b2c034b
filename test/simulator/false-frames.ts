import { decode, encode, fromBytes, toBytes } from '@atcute/cbor'
import { flipS } from '../../src/crypto/low-s.ts'
import { between } from '../fast/random.ts'
import { drawWrites, tell, timeOf } from './acts.ts'
import type { Host } from './host.ts'
import { type Person, signerNumber } from './person.ts'
import { type Change, type Message, change, commitMessage, proofOf, revOf } from './repo.ts'
import { type Stage, pick } from './stage.ts'
import { type Block, blockOf, carBytes } from './tree.ts'

type Made = { stage: Stage; person: Person; made: Change; message: Message }

/** What a host can do to the message of a true commit; the repo is there all the same. */
const DAMAGES: Readonly<Record<string, (made: Made) => void>> = {
  'lacks a block': ({ stage, made, message }) => {
    const blocks = proofOf(made)
    blocks.splice(between(stage.random, 0, blocks.length - 1), 1)
    setBlocks(message, made, blocks)
  },
  'has blocks too many': ({ made, message }) =>
    setBlocks(message, made, [...proofOf(made), blockOf({ not: 'asked for' })]),
  'has another root': ({ made, message }) => {
    message.body['commit'] = made.before.commit.cid
  },
  'tells a false prevData': ({ made, message }) => {
    message.body['prevData'] = made.after.commit.cid
  },
  'tells a false since': ({ message, made }) => {
    message.body['since'] = made.after.rev
  },
  'leaves an operation out': ({ message }) => {
    message.body['ops'] = (message.body['ops'] as unknown[]).slice(1)
  },
  'tells a false cid': ({ message, made }) => {
    const [first, ...rest] = message.body['ops'] as { cid: unknown }[]
    const cid = made.before.commit.cid
    if (first) message.body['ops'] = [{ ...first, cid: first.cid === null ? null : cid }, ...rest]
  },
  'holds other bytes under a CID': ({ stage, made, message }) => {
    const blocks = proofOf(made)
    const at = between(stage.random, 0, blocks.length - 1)
    const other = blockOf({ text: 'other' })
    setBlocks(message, made, blocks.with(at, { ...blocks[at]!, bytes: other.bytes }))
  },
  'tells of a record that was never written': ({ made, message }) => {
    const ops = message.body['ops'] as { cid: unknown }[]
    const at = ops.findIndex(({ cid }) => cid !== null)
    const never = blockOf({ text: 'never written' })
    setBlocks(message, made, [...proofOf(made), never])
    if (at !== -1) message.body['ops'] = ops.with(at, { ...ops[at]!, cid: never.cid })
  },
  'says it was too big': ({ message }) => {
    message.body['tooBig'] = true
  },
  'tells another rev': ({ message, made }) => {
    message.body['rev'] = made.before.rev
  },
  'tells a later rev': ({ stage, message }) => {
    message.body['rev'] = revOf((stage.world.now + 1000) * 1000)
  },
}

/** Lies about a commit that was never made; the repo stays where it is. */
const FORGERIES: Readonly<Record<string, (stage: Stage, person: Person) => Message>> = {
  'is signed by another': (stage, person) => {
    const signing = { rev: nowRev(stage), signer: signerNumber(person.key + 1) }
    return messageOf(stage, change(person.state, drawWrites(stage, person), signing))
  },
  'has a high s': (stage, person) => {
    const made = forged(stage, person)
    const bad = blockOf(withSignature(made.after.commit, (sig) => flipS('k256', sig)))
    return messageOf(stage, { ...made, after: { ...made.after, commit: bad } })
  },
  'is of another account': (stage, person) => {
    const others = stage.people.filter((one) => one !== person)
    const twin = others.find(({ signer }) => signer.didKey === person.signer.didKey)
    const other = twin ?? pick(stage.random, others)
    const made = forged(stage, other)
    const message = messageOf(stage, made)
    message.body['repo'] = person.did
    return message
  },
  'has a rev in the future': (stage, person) => {
    // A host that is left alone for hours is read only then, and it must still be the future.
    const rev = revOf((stage.world.now + 86_400_000) * 1000)
    const signing = { rev, signer: person.signer }
    return messageOf(stage, change(person.state, drawWrites(stage, person), signing))
  },
  'is an old one again': (stage, person) => {
    return messageOf(stage, { before: person.state, after: person.state, writes: [] })
  },
}

/** A true commit of which the host tells a damaged story. */
export function damaged(stage: Stage, person: Person): void {
  if (person.status !== 'active') return
  const writes = drawWrites(stage, person)
  const made = person.prepare(writes, stage.world.now * 1000)
  const message = messageOf(stage, made)
  const what = pick(stage.random, Object.keys(DAMAGES))
  DAMAGES[what]!({ stage, person, made, message })
  person.become(made.after)
  stage.note(`a true commit of ${person.did} ${what}`)
  tell(person, message, { rev: made.after.rev })
}

/** A commit that the account has not made, from the account's own host. */
export function forgery(stage: Stage, person: Person): void {
  const what = pick(stage.random, Object.keys(FORGERIES))
  const message = FORGERIES[what]!(stage, person)
  stage.note(`a false commit of ${person.did} ${what}`)
  tell(person, message)
}

/** A host where the account has lived goes on as if it still did. */
export function ghost(stage: Stage, person: Person): void {
  const old = [...stage.hosts.values()].find(
    ({ origin }) => origin !== person.host.origin && person.places.has(origin),
  )
  if (old === undefined || person.status !== 'active') return
  stage.note(`${old.origin} still writes for ${person.did}`)
  const made = change(person.state, drawWrites(stage, person), {
    rev: nowRev(stage),
    signer: person.signer,
  })
  old.emit(messageOf(stage, made), { did: person.did })
}

/** A host signs two stories: one is told, the other is what it then goes on with. */
export function fork(stage: Stage, person: Person): void {
  if (person.status !== 'active') return
  const told = person.prepare(drawWrites(stage, person), stage.world.now * 1000)
  const isTwin = stage.random() < 0.5
  const kept = isTwin
    ? person.twin(drawWrites(stage, person), told)
    : person.prepare(drawWrites(stage, person), stage.world.now * 1000)
  // Two commits of one revision: only the next one shows which is true.
  person.owesCommit = isTwin
  stage.note(`${person.did} is forked`)
  tell(person, messageOf(stage, told))
  person.become(kept.after)
  if (!isTwin && stage.random() < 0.5) tell(person, messageOf(stage, kept), { rev: kept.after.rev })
  else person.hidden = true
}

function forged(stage: Stage, person: Person): Change {
  const signing = { rev: nowRev(stage), signer: person.signer }
  return change(person.state, drawWrites(stage, person), signing)
}

function nowRev(stage: Stage): string {
  return revOf(stage.world.now * 1000)
}

function messageOf(stage: Stage, made: Change): Message {
  return commitMessage(made, timeOf(stage))
}

function setBlocks(message: Message, made: Change, blocks: readonly Block[]): void {
  message.body['blocks'] = toBytes(carBytes(made.after.commit.cid, blocks))
}

/** The commit's fields with another signature. */
function withSignature(commit: Block, make: (sig: Uint8Array) => Uint8Array): object {
  const fields = decode(commit.bytes) as { sig: Parameters<typeof fromBytes>[0] }
  return { ...fields, sig: toBytes(make(Uint8Array.from(fromBytes(fields.sig)))) }
}

/** A frame of the host that is not one, about somebody who has lived there. */
export function nonsense(stage: Stage, host: Host): (seq: number) => Uint8Array {
  const here = stage.people.filter(({ places }) => places.has(host.origin))
  const { did } = pick(stage.random, here)
  return (seq) => Buffer.concat([encode({ op: 1, t: '#commit' }), encode({ seq, repo: did })])
}

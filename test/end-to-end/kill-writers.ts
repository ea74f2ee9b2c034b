import { systemClock } from '../../src/clock.ts'
import { createTids } from '../../src/tid.ts'
import { between, seeded } from '../fast/random.ts'
import { CallError, type Person } from '../person.ts'
import { type Content, type Note, type Notes, insist } from './kill-notes.ts'

const SPACES = 'co.kendev.spaces'
const EMOJI = ['🔧', '👍', '🚗', '🎉']

/** Where the writers write. */
export type Stage = {
  readonly people: readonly Person[]
  readonly space: string
  readonly channels: readonly string[]
  readonly notes: Notes
}

type Writer = Stage & {
  readonly random: () => number
  readonly me: Person
  readonly nextTid: () => string
  /** Records only this writer changes, so that what they say is known. */
  readonly mine: Note[]
}

/** Starts one writer for each seed; they go on until `stop` is called, which waits for them. */
export function startWriters(stage: Stage, seeds: readonly number[]): { stop(): Promise<void> } {
  const stopping = { now: false }
  const running = seeds.map((seed, n) => {
    const random = seeded(seed)
    const me = stage.people[n % stage.people.length]!
    return write({ ...stage, random, me, nextTid: createTids(systemClock), mine: [] }, stopping)
  })
  const all = Promise.all(running)
  all.catch(() => undefined)
  return {
    stop: async () => {
      stopping.now = true
      await all
    },
  }
}

async function write(w: Writer, stopping: { now: boolean }): Promise<void> {
  while (!stopping.now) {
    const dice = w.random()
    if (dice < 0.3) await createRecord(w)
    else if (dice < 0.55) await sendMessage(w)
    else if (dice < 0.7) await edit(w)
    else if (dice < 0.8) await remove(w)
    else if (dice < 0.98) await addReaction(w)
    else await foundSpace(w)
  }
}

/** The content of a message as the checks compare it. */
export function messageContent(text: string, parent: string | undefined): Content {
  return JSON.stringify([text, parent ?? null])
}

/** The content of a reaction as the checks compare it. */
export function reactionContent(subject: string, emoji: string): Content {
  return JSON.stringify([subject, emoji])
}

async function createRecord(w: Writer): Promise<void> {
  const note = newNote(w, 'message', w.nextTid())
  const text = `written ${note.uri.slice(-13)}`
  const reply = replyTo(w)
  const record = messageRecord(w, text, reply)
  await carryOut(w, note, messageContent(text, reply?.parent.uri), (attempt) =>
    attempt === 0
      ? w.me.create(`${SPACES}.message`, record, rkeyOf(note.uri))
      : w.me.put(note.uri, record),
  )
}

async function sendMessage(w: Writer): Promise<void> {
  const note = newNote(w, 'message', w.nextTid())
  const text = `sent ${note.uri.slice(-13)}`
  const reply = replyTo(w)
  const channel = one(w.random, w.channels)
  const input = { space: w.space, channel, text, rkey: rkeyOf(note.uri), reply }
  await carryOut(w, note, messageContent(text, reply?.parent.uri), async () => {
    const sent = await w.me.call<{ cid?: string; message?: { cid: string } }>(
      `${SPACES}.sendMessage`,
      input,
    )
    return { cid: sent.cid ?? sent.message?.cid }
  })
}

async function edit(w: Writer): Promise<void> {
  const note = known(w, 'message')
  if (!note) return createRecord(w)
  const text = `edited ${w.nextTid()}`
  const record = { ...messageRecord(w, text), editedAt: new Date().toISOString() }
  await carryOut(w, note, messageContent(text, undefined), () => w.me.put(note.uri, record))
}

async function remove(w: Writer): Promise<void> {
  const note = known(w, w.random() < 0.5 ? 'message' : 'reaction')
  if (!note) return
  await carryOut(w, note, null, async () => {
    await w.me.remove(note.uri)
    return {}
  })
}

async function addReaction(w: Writer): Promise<void> {
  const about = anybodys(w)
  if (!about) return
  const note = newNote(w, 'reaction', w.nextTid())
  const emoji = one(w.random, EMOJI)
  const subject = { uri: about.uri, cid: about.cid! }
  const record = { subject, space: w.space, emoji, createdAt: new Date().toISOString() }
  await carryOut(w, note, reactionContent(subject.uri, emoji), (attempt) =>
    attempt === 0
      ? w.me.create(`${SPACES}.reaction`, record, rkeyOf(note.uri))
      : w.me.put(note.uri, record),
  )
}

async function foundSpace(w: Writer): Promise<void> {
  const key = `key ${w.nextTid()}`
  const name = `Branch ${rkeyOf(key)}`
  const founded = { founder: w.me.did, key, name, dids: new Set<string>() }
  w.notes.spaces.push(founded)
  const call = () =>
    w.me.call<{ did: string }>(`${SPACES}.createSpace`, { name, idempotencyKey: key })
  // A client whose connection is slow sends it twice; both are answered with the same space.
  const calls = w.random() < 0.5 ? [call, call] : [call]
  const answers = await Promise.all(calls.map((each) => insist(w.notes, w.random, each)))
  for (const answer of answers) if (answer) founded.dids.add(answer.did)
}

/** Writes one record and notes what it may say from now on. */
async function carryOut(
  w: Writer,
  note: Note,
  next: Content,
  call: (attempt: number) => Promise<{ cid?: string }>,
): Promise<void> {
  note.allowed = new Set([...note.allowed, next])
  try {
    const answer = await insist(w.notes, w.random, call)
    if (!answer) return
    note.allowed = new Set([next])
    note.cid = answer.cid
  } catch (error) {
    // A reply to what somebody has deleted, or what the views do not show yet, is refused.
    if (!(error instanceof CallError && error.error === 'NotFound')) throw error
  }
}

function newNote(w: Writer, kind: Note['kind'], rkey: string): Note {
  const note: Note = {
    uri: `at://${w.me.did}/${SPACES}.${kind}/${rkey}`,
    kind,
    allowed: new Set([null]),
  }
  w.mine.push(note)
  w.notes.records.set(note.uri, note)
  return note
}

/** A record of the writer's own that is surely there. */
function known(w: Writer, kind: Note['kind']): Note | undefined {
  const there = w.mine.filter((note) => note.kind === kind && !note.allowed.has(null))
  return there.length > 0 ? one(w.random, there) : undefined
}

function anybodys(w: Writer): Note | undefined {
  const there = [...w.notes.records.values()].filter((n) => n.kind === 'message' && n.cid)
  return there.length > 0 ? one(w.random, there.slice(-40)) : undefined
}

function replyTo(w: Writer) {
  const about = w.random() < 0.4 ? anybodys(w) : undefined
  if (!about) return undefined
  const ref = { uri: about.uri, cid: about.cid! }
  return { root: ref, parent: ref }
}

function messageRecord(w: Writer, text: string, reply?: object) {
  const channel = one(w.random, w.channels)
  const createdAt = new Date().toISOString()
  return { space: w.space, channel, text, ...(reply && { reply }), createdAt }
}

function one<T>(random: () => number, of: readonly T[]): T {
  return of[between(random, 0, of.length - 1)]!
}

function rkeyOf(uri: string): string {
  return uri.slice(-13)
}

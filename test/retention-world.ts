import { cidForLex, encode } from '@atproto/lex-cbor'
import { InvalidRequestError } from '@atproto/xrpc-server'
import { type Acting, resumeActs } from '../src/appview/act.ts'
import { readAudit } from '../src/appview/audit.ts'
import { channel } from '../src/appview/collections/spaces/channel.ts'
import { channelReport } from '../src/appview/collections/spaces/channel-report.ts'
import { channelRules } from '../src/appview/collections/spaces/channel-rules.ts'
import { membership } from '../src/appview/collections/spaces/membership.ts'
import { membershipRequest } from '../src/appview/collections/spaces/membership-request.ts'
import { message } from '../src/appview/collections/spaces/message.ts'
import { space } from '../src/appview/collections/spaces/space.ts'
import type { Collection } from '../src/appview/define.ts'
import { lexRecord } from '../src/appview/lex-record.ts'
import type { RepoWriter } from '../src/appview/own-record.ts'
import { retireEntries } from '../src/appview/retire-entries.ts'
import { transaction } from '../src/appview/sql.ts'
import type { Job } from '../src/jobs/jobs.ts'
import { silentLog } from '../src/log.ts'
import { audienceUri } from '../src/permissioned/audience.ts'
import { createTids } from '../src/tid.ts'
import { appViewDatabase } from './appview-database.ts'

/** The space, somebody of this node, and somebody of another. */
export const [CLUB, ADA, BEN] = ['did:plc:club', 'did:plc:ada', 'did:plc:ben'] as const
export const KEY = '3jzfcijpj2z2a'
/** Where the staff's records stand. */
export const STAFF = audienceUri(CLUB, 'staff')
const DAY_MS = 86_400_000

type At = { did: string; collection: string; rkey: string; place?: string }
type Content = Record<string, unknown>

const keyOf = ({ did, collection, rkey, place = '' }: At) =>
  [place, did, collection, rkey].join(' ')

/** Repos, the tables that are filled from them, and a clock that a test moves. */
export async function openRetentionWorld() {
  const db = await appViewDatabase()
  for (const table of ['auditEvent', 'auditHead', 'pendingAct', 'judgedReport'])
    await db.pool.query(`delete from node."${table}"`)
  let now = new Date('2026-01-01T12:00:00Z')
  let tick = 0
  const clock = { now: () => (now = new Date(now.getTime() + tick)) }
  const nextTid = createTids(clock)
  const repos = new Map<string, string>()
  const queued: Job[] = []
  /** After so many writes the process ends, with the last one done or not. */
  let dies: { after: number; done: boolean } | undefined
  const store = async (at: At, record: Content | undefined) => {
    const value = record && lexRecord(record)
    const cid = value ? String(await cidForLex(value)) : null
    if (dies && dies.after <= 0 && !dies.done) throw new Error('the process has ended')
    const rev = nextTid()
    if (cid === null) repos.delete(keyOf(at))
    else repos.set(keyOf(at), cid)
    const { did, collection, rkey, place } = at
    const bytes = value ? encode(value) : null
    await db.write({ did, collection, rkey, place, rev, cid, bytes })
    if (dies && dies.after-- <= 0) {
      dies.done = false
      throw new Error('the process has ended')
    }
    return { did, rev, results: [{ uri: '', cid: cid ?? undefined }] }
  }
  const writer = {
    putRecord: async (w) => {
      if (w.swapRecord === null && repos.has(keyOf(w)))
        throw new InvalidRequestError('It is there', 'InvalidSwap')
      return store(w, w.record)
    },
    deleteRecord: (w) => store(w, undefined),
    createAll: async ({ did, place, creates }) => {
      if (creates.some((one) => repos.has(keyOf({ did, place, ...one }))))
        throw new InvalidRequestError('It is there', 'RecordAlreadyExists')
      let last = { did, rev: '', results: [] as { uri: string; cid: string | undefined }[] }
      for (const one of creates) last = await store({ did, place, ...one }, one.record)
      return last
    },
  } as Partial<RepoWriter> as RepoWriter
  const acting: Acting & { log: typeof silentLog } = {
    sql: db.pool,
    outbox: {
      transact: (work) =>
        transaction(db.pool, (tx) => work(tx, async (job) => void queued.push(job))),
    },
    writer,
    versions: { cidOf: async (at) => repos.get(keyOf(at)) },
    progress: { advance: () => undefined, reached: async () => true },
    clock,
    nextTid,
    log: silentLog,
  }
  const guests = { deleteRecord: (w: At) => store(w, undefined) }
  const isHosted = async (did: string) => did === CLUB || did === ADA
  const put = (c: Collection, at: Omit<At, 'collection'>, record: Content) =>
    store({ ...at, collection: c.nsid }, { $type: c.nsid, createdAt: now.toISOString(), ...record })
  const post = async (did: string, rkey: string, more: Content & { place?: string } = {}) => {
    const { place = '', ...rest } = more
    const about = { space: CLUB, channel: CHANNEL, text: 'Hello', ...rest }
    await put(message, { did, rkey, place }, about)
    return `at://${did}/${message.nsid}/${rkey}`
  }
  await put(space, { did: CLUB, rkey: 'self' }, { name: 'Club', visibility: 'public' })
  for (const subject of [ADA, BEN]) {
    const joinedAt = now.toISOString()
    const member = { subject, role: 'moderator', joinedAt, createdAt: undefined }
    await put(membership, { did: CLUB, rkey: subject }, member)
    await put(membershipRequest, { did: subject, rkey: CLUB }, { space: CLUB })
  }
  return {
    ...db,
    acting,
    repos,
    queued,
    isHosted,
    post,
    put,
    guests,
    /** From now on each look at the clock takes so long. */
    slow: (ms: number) => void (tick = ms),
    /** So many days pass. */
    wait: (days: number) => void (now = new Date(now.getTime() + days * DAY_MS)),
    /** The process ends after so many writes, the last one done or not done. */
    die: (after: number, done: boolean) => void (dies = { after, done }),
    /** The process starts again. */
    live: async () => {
      dies = undefined
      await resumeActs(acting)
    },
    run: () => retireEntries({ ...acting, guests, isHosted }),
    channel: (dataRetention: object | undefined) =>
      put(channel, { did: CLUB, rkey: KEY }, { space: CLUB, name: 'desk', dataRetention }),
    rules: (legalHold: boolean) =>
      put(channelRules, { did: CLUB, rkey: KEY, place: STAFF }, { channel: CHANNEL, legalHold }),
    report: (rkey: string) =>
      put(channelReport, { did: CLUB, rkey, place: STAFF }, { channel: CHANNEL, title: 'Oil' }),
    /** What is shown in the channel, and whether it is put away. */
    shown: async () => {
      const { rows } = await db.pool.query<{ rkey: string; archived: boolean }>(
        `select rkey, archived from appview.message where admitted and not retired
         union all select rkey, archived from appview."channelReport" order by rkey`,
      )
      return Object.fromEntries(rows.map(({ rkey, archived }) => [rkey, archived]))
    },
    deletions: async () => {
      const page = { chain: CLUB, limit: 500, before: undefined }
      const events = await readAudit(db.pool, page)
      return events.filter(({ action }) => action === 'deleteByRetention')
    },
  }
}

export const CHANNEL = `at://${CLUB}/${channel.nsid}/${KEY}`

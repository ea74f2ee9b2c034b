import { InvalidRequestError } from '@atproto/xrpc-server'
import { cidForLex } from '@atproto/lex-cbor'
import { beforeEach, expect, test } from 'vitest'
import { NOW, appViewDatabase } from '../../test/appview-database.ts'
import { co } from '../lexicons/index.ts'
import type { Job, Outbox } from '../jobs/jobs.ts'
import { silentLog } from '../log.ts'
import { createTids } from '../tid.ts'
import { type Act, type Acting, act, resumeActs } from './act.ts'
import { readAudit } from './audit.ts'
import { lexRecord } from './lex-record.ts'
import type { RepoWriter } from './own-record.ts'
import { type SqlPool, transaction } from './sql.ts'

const NODE = 'did:plc:node'
const collection = co.kendev.platform.nodeRole.$type
const record = (role: string) => ({
  $type: collection,
  subject: 'did:plc:ada',
  role,
  createdAt: NOW.toISOString(),
})
const wish = (role: string | undefined): Act => ({
  at: { did: NODE, collection, rkey: 'did:plc:ada', place: '' },
  record: role === undefined ? undefined : record(role),
  by: { actor: 'did:plc:root', action: 'setNodeRole', reason: 'she helps' },
  effects: [{ queue: 'notify', key: role ?? 'gone', data: {} }],
})
const cidOf = async (role: string) => String(await cidForLex(lexRecord(record(role))))

let pool: SqlPool
let held: string | undefined
let queued: string[]
/** What goes wrong: before the repo is written, or right after. */
let fails: 'refused' | 'before' | 'after' | undefined
let a: Acting & { log: typeof silentLog }

beforeEach(async () => {
  pool = (await appViewDatabase()).pool
  for (const table of ['auditEvent', 'auditHead', 'pendingAct'])
    await pool.query(`delete from node."${table}"`)
  held = undefined
  queued = []
  fails = undefined
  const outbox: Outbox = {
    transact: (work) =>
      transaction(pool, (tx) => work(tx, async (job: Job) => void queued.push(job.key))),
  }
  const store = async (cid: string | undefined) => {
    if (fails === 'refused') throw new InvalidRequestError('no', 'InvalidSwap')
    if (fails === 'before') throw new Error('the process ends')
    held = cid
    if (fails === 'after') throw new Error('the process ends')
    return { did: NODE, rev: '3m6bkl2222222', results: [{ uri: '', cid }] }
  }
  const writer = {
    putRecord: async (w) => store(String(await cidForLex(lexRecord(w.record)))),
    deleteRecord: () => store(undefined),
  } as Pick<RepoWriter, 'putRecord' | 'deleteRecord'> as RepoWriter
  const clock = { now: () => NOW }
  a = {
    sql: pool,
    outbox,
    writer,
    clock,
    log: silentLog,
    versions: { cidOf: async () => held },
    progress: { advance: () => {}, reached: async () => true },
    nextTid: createTids(clock),
  }
})

const told = async () => {
  const events = await readAudit(pool, { chain: NODE, limit: 10, before: undefined })
  return events.map(({ before, after }) => [before, after])
}
const pending = async () => (await pool.query('select 1 from node."pendingAct"')).rows.length

test('what is done brings its audit event and its jobs, and doing it again brings nothing', async () => {
  const editor = await cidOf('editor')
  expect(await act(a, wish('editor'))).toMatchObject({ cid: editor })
  await act(a, wish('editor'))
  await act(a, wish(undefined))
  expect(await told()).toEqual([
    [editor, undefined],
    [undefined, editor],
  ])
  expect(queued).toEqual(['editor', 'gone'])
  expect(await pending()).toBe(0)
})

test('a refusal leaves nothing behind', async () => {
  fails = 'refused'
  await expect(act(a, wish('editor'))).rejects.toThrow('no')
  expect([await told(), queued, await pending()]).toEqual([[], [], 0])
})

test('an end right after the write is made good at the next start, one before it is forgotten', async () => {
  fails = 'after'
  await expect(act(a, wish('editor'))).rejects.toThrow('ends')
  expect([queued, await pending()]).toEqual([[], 1])
  expect(await resumeActs(a)).toBe(1)
  expect(queued).toEqual(['editor'])
  expect(await told()).toEqual([[undefined, await cidOf('editor')]])
  fails = 'before'
  await expect(act(a, wish('admin'))).rejects.toThrow('ends')
  expect(await resumeActs(a)).toBe(1)
  expect(await resumeActs(a)).toBe(0)
  expect(queued).toEqual(['editor'])
  expect(await told()).toHaveLength(1)
})

test('a record that has changed since it was read is not written over', async () => {
  await act(a, wish('editor'))
  let swapped: unknown
  const writer = {
    ...a.writer,
    putRecord: async (w: { swapRecord?: string | null }) => {
      swapped = w.swapRecord
      throw new InvalidRequestError('changed', 'InvalidSwap')
    },
  } as RepoWriter
  await expect(act({ ...a, writer }, { ...wish('admin'), swap: 'bafyold' })).rejects.toThrow(
    'changed',
  )
  expect(swapped).toBe('bafyold')
})

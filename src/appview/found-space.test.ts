import { expect, test } from 'vitest'
import { appViewDatabase, NOW } from '../../test/appview-database.ts'
import { type Log, silentLog } from '../log.ts'
import { type Founding, resumeFounding } from './found-space.ts'

test('a space that cannot be finished now holds up neither the others nor the node', async () => {
  const { pool } = await appViewDatabase()
  const errors: unknown[] = []
  const log = { ...silentLog, error: (told: unknown) => void errors.push(told) } as Log
  for (const [n, caller] of ['did:plc:gone', 'did:plc:ada'].entries())
    await pool.query(
      `insert into node."pendingSpace" (caller, key, handle, records, "createdAt")
       values ($1, 'key', $2, $3, $4)`,
      [caller, `shed-${n}.test`, JSON.stringify(plan), new Date(NOW.getTime() + n)],
    )
  const founding: Founding = {
    sql: pool,
    clock: { now: () => NOW },
    log,
    progress: { advance: () => {}, reached: async () => true },
    ensureAccount: async (handle) => ({ did: `did:plc:${handle.slice(0, 6)}` }),
    writer: {
      putAll: async ({ did }) => ({ did, rev: '3l', results: [] }),
      head: async () => ({ rev: '3l', swapHead: '3l' }),
      createAll: async ({ did }) => ({ did, rev: '3l', results: [] }),
      deleteRecord: () => Promise.reject(new Error('not asked for')),
      putRecord: async ({ did }) => {
        if (did === 'did:plc:gone') throw new Error('the account is gone')
        return { did, rev: '3l', results: [] }
      },
    },
  }
  expect(await resumeFounding(founding)).toBe(1)
  expect(errors).toMatchObject([{ handle: 'shed-0.test' }])
  const { rows } = await pool.query(
    'select caller from node."pendingSpace" where "confirmedAt" is null',
  )
  expect(rows).toEqual([{ caller: 'did:plc:gone' }])
})

const plan = { at: NOW.toISOString(), space: { name: 'Shed' }, channels: [] }

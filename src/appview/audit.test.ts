import { expect, test } from 'vitest'
import { appViewDatabase } from '../../test/appview-database.ts'
import { appendAudit, readAudit, verifyAudit } from './audit.ts'
import { transaction } from './sql.ts'

const event = (n: number) => ({
  chain: 'did:plc:salon',
  actor: 'did:plc:ada',
  role: 'tenant_admin',
  action: 'inviteMember',
  subject: `at://did:plc:salon/x/${n}`,
  after: `bafy${n}`,
  at: new Date(1_700_000_000_000 + n),
})

test('a chain of events holds, and any change of it shows where it begins', async () => {
  const { pool } = await appViewDatabase()
  for (const n of [1, 2, 3, 4]) await transaction(pool, (tx) => appendAudit(tx, event(n)))
  await transaction(pool, (tx) => appendAudit(tx, { ...event(1), chain: 'did:plc:other' }))
  expect(await verifyAudit(pool, 'did:plc:salon')).toEqual({ events: 4 })
  expect(await verifyAudit(pool, 'did:plc:nobody')).toEqual({ events: 0 })
  const page = await readAudit(pool, { chain: 'did:plc:salon', limit: 2, before: 4 })
  expect(page.map(({ seq, subject }) => [seq, subject.at(-1)])).toEqual([
    [3, '3'],
    [2, '2'],
  ])
  const found = async (statement: string) => {
    await pool.query('begin')
    await pool.query(statement)
    const { brokenAt } = await verifyAudit(pool, 'did:plc:salon')
    await pool.query('rollback')
    return brokenAt
  }
  const where = `where chain = 'did:plc:salon'`
  expect(await found(`update node."auditEvent" set actor = 'x' ${where} and seq = 2`)).toBe(2)
  expect(await found(`update node."auditEvent" set reason = 'x' ${where} and seq = 4`)).toBe(4)
  expect(await found(`delete from node."auditEvent" ${where} and seq = 3`)).toBe(3)
  expect(await found(`delete from node."auditEvent" ${where} and seq = 4`)).toBe(4)
  expect(await found(`delete from node."auditEvent" ${where}`)).toBe(1)
})

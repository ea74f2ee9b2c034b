import { expect, test } from 'vitest'
import { NOW, appViewDatabase } from '../../test/appview-database.ts'
import { tell } from './notify.ts'

const DID = 'did:plc:ben'
const LIST = 'select kind from node.notification where recipient = $1'
const CHOOSE = `insert into node.preference values ($1, $2, $3, true, 'public', true)`
const OPT_OUT = 'insert into node."notificationOptOut" values ($1, $2)'

/** What somebody who has chosen this is told: in the list, and by letter. */
async function told(kind: string, chosen: { email?: boolean; inApp?: boolean; not?: string }) {
  const { pool } = await appViewDatabase()
  await pool.query('truncate node.notification, node.preference, node."notificationOptOut"')
  const { email = true, inApp = true, not } = chosen
  await pool.query(CHOOSE, [DID, email, inApp])
  if (not !== undefined) await pool.query(OPT_OUT, [DID, not])
  const letters: string[] = []
  const telling = {
    sql: pool,
    clock: { now: () => NOW },
    nextTid: () => '3m6bkl2222222',
    sendMail: async ({ to }: { to: string }) => void letters.push(to),
    emailOf: async () => ({ address: 'ben@example.com', confirmed: true }),
  }
  await tell(telling, { recipient: DID, kind, key: '1', data: {} })
  const { rows } = await pool.query(LIST, [DID])
  return { list: rows.length, letters: letters.length }
}

test('people are told where they want to be, of what may be left out', async () => {
  const kind = 'guardianAngelGained'
  expect(await told(kind, {})).toEqual({ list: 1, letters: 1 })
  expect(await told(kind, { email: false })).toEqual({ list: 1, letters: 0 })
  expect(await told(kind, { inApp: false })).toEqual({ list: 0, letters: 1 })
  expect(await told(kind, { not: kind })).toEqual({ list: 0, letters: 0 })
  expect(await told(kind, { not: 'membershipChanged' })).toEqual({ list: 1, letters: 1 })
})

test('what everybody has to know is told whatever they have chosen', async () => {
  const choice = { email: false, inApp: false, not: 'tenantWelcome' }
  expect(await told('tenantWelcome', choice)).toEqual({ list: 1, letters: 1 })
})

import { beforeEach, expect, test } from 'vitest'
import { NOW, type AppViewDatabase, appViewDatabase } from '../../test/appview-database.ts'
import { writeOf } from '../../test/record.ts'
import { co } from '../lexicons/index.ts'
import { audienceUri } from '../permissioned/audience.ts'
import { createTids } from '../tid.ts'
import { standingIn } from './membership.ts'
import type { RepoWriter } from './own-record.ts'
import { finishRestricting } from './restrict.ts'

const SHOP = 'did:plc:shop'
const { membership, membershipRequest, restriction } = co.kendev.spaces
const at = NOW.toISOString()
const nextRev = createTids({ now: () => NOW })

let db: AppViewDatabase
let withdrawn: string[]

beforeEach(async () => {
  db = await appViewDatabase()
  withdrawn = []
  await db.pool.query('delete from repo.space')
  await db.pool.query(
    `insert into repo.space (space, authority, type, skey, "readPolicy", "writePolicy", "appAccess",
       "createdAt") values ('s', $1, 't', 'k', '{}', '{}', '{}', $2)`,
    [SHOP, NOW],
  )
})

type Where = { did: string; collection: string; rkey: string; place?: string }

async function put(where: Where, record: object): Promise<void> {
  await db.write(await writeOf({ ...where, rev: nextRev(), record }))
}

const asks = (did: string, createdAt = at) =>
  put({ did, collection: membershipRequest.$type, rkey: SHOP }, { space: SHOP, createdAt })

async function enters(who: string): Promise<void> {
  const admission = { subject: who, role: 'member', joinedAt: at }
  await put({ did: SHOP, collection: membership.$type, rkey: who }, admission)
  await asks(who)
}

const restrict = (rkey: string, status: string, more: object = {}) =>
  put(
    { did: SHOP, collection: restriction.$type, rkey, place: audienceUri(SHOP, 'staff') },
    { subject: rkey, status, createdAt: at, ...more },
  )

const finish = () => {
  const writer = {
    deleteRecord: async ({ rkey }) => {
      withdrawn.push(rkey)
      return { did: SHOP, rev: '', results: [] }
    },
  } as Partial<RepoWriter> as RepoWriter
  const progress = { advance: () => {}, reached: async () => true }
  return finishRestricting({ sql: db.pool, writer, progress })
}

test('a membership that a stop has left beside a ban is withdrawn at the next start', async () => {
  for (const who of ['did:plc:ben', 'did:plc:cleo', 'did:plc:eve']) await enters(who)
  await restrict('did:plc:ben', 'banned')
  await restrict('did:plc:cleo', 'suspended')
  await restrict('did:plc:eve', 'declined')
  expect(await finish()).toBe(2)
  expect(withdrawn.toSorted()).toEqual(['did:plc:ben', 'did:plc:cleo'])
})

test('until then who is barred is out already', async () => {
  await enters('did:plc:ben')
  expect(await standingIn(db.pool, SHOP, 'did:plc:ben')).toMatchObject({ status: 'active' })
  await restrict('did:plc:ben', 'suspended')
  expect(await standingIn(db.pool, SHOP, 'did:plc:ben')).toMatchObject({ status: 'suspended' })
})

test('only the request that was declined is, and none that comes after it', async () => {
  const who = 'did:plc:ben'
  await asks(who)
  const { rows } = await db.pool.query<{ cid: string }>(
    'select cid from appview."membershipRequest"',
  )
  await restrict(who, 'declined', { request: rows[0]!.cid })
  expect(await standingIn(db.pool, SHOP, who)).toMatchObject({ status: 'declined' })
  await asks(who, '2026-11-24T10:00:00Z')
  expect(await standingIn(db.pool, SHOP, who)).toMatchObject({ status: 'pending' })
})

test('the bans of a space of another node are left to that node', async () => {
  await enters('did:plc:ben')
  await restrict('did:plc:ben', 'banned')
  await db.pool.query('delete from repo.space')
  expect(await finish()).toBe(0)
})

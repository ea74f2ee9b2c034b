import { beforeEach, expect, test } from 'vitest'
import { collections } from '../src/appview/collections/index.ts'
import { message } from '../src/appview/collections/spaces/message.ts'
import type { Write } from '../src/appview/index-record.ts'
import { type Level, audienceUri } from '../src/permissioned/audience.ts'
import { type AppViewDatabase, NOW, appViewDatabase } from './appview-database.ts'
import { rev, writeOf } from './record.ts'
import { wrongFigures } from './recount.ts'

const CLUB = 'did:plc:club'
const BEN = 'did:plc:ben'
const SPACES = 'co.kendev.spaces'
const CID = 'bafyreifmakho22qjptfycciab2gm6hyl4yeav7b2sp6us2ndotavqn4qgi'
const at = NOW.toISOString()
const keys = { '': 'a', members: 'b', staff: 'c', managers: 'd' } as const
const at3k = (audience: Level | '') => `3m6bkl222222${keys[audience]}`

let db: AppViewDatabase
beforeEach(async () => {
  db = await appViewDatabase()
})

const placeOf = (audience: Level | '') => (audience === '' ? '' : audienceUri(CLUB, audience))

const says = (audience: Level | '') =>
  writeOf({
    collection: `${SPACES}.message`,
    did: BEN,
    rkey: at3k(audience),
    rev: rev(1),
    place: placeOf(audience),
    record: { space: CLUB, text: `For ${audience}`, createdAt: at },
  })

const standing = (n: number, role: string, more: object = {}) =>
  writeOf({
    collection: `${SPACES}.membership`,
    did: CLUB,
    rkey: BEN,
    rev: rev(n),
    place: placeOf('members'),
    record: { subject: BEN, role, joinedAt: at, ...more },
  })

async function shown(): Promise<string[]> {
  const rows = await db.rows(message)
  return rows
    .filter((row) => row['admitted'])
    .map(({ place }) => place.split('/').at(-1)!)
    .toSorted()
}

const everything = () => Promise.all((['', 'members', 'staff', 'managers'] as const).map(says))

test.each<[string, object, string[]]>([
  ['owner', {}, ['', 'managers', 'members', 'staff']],
  ['space_admin', {}, ['', 'managers', 'members', 'staff']],
  ['moderator', {}, ['', 'members', 'staff']],
  ['member', {}, ['', 'members']],
  ['viewer', {}, ['']],
  ['guest', {}, ['']],
  ['of-a-later-lexicon', {}, ['']],
  ['owner', { status: 'suspended' }, []],
  ['member', { status: 'banned' }, []],
])('what a %s %o wrote shows where they write, in either order', async (role, more, where) => {
  const admission = await standing(2, role, more)
  const said = await everything()
  for (const order of [
    [admission, ...said],
    [...said, admission],
  ]) {
    await db.clear()
    for (const write of order) await db.write(write)
    expect(await shown()).toEqual(where)
    expect(await wrongFigures(db.pool, collections)).toEqual([])
  }
})

test('who is demoted, suspended or reinstated takes their rows, reactions and figures along', async () => {
  const reaction = await writeOf({
    collection: `${SPACES}.reaction`,
    did: BEN,
    rkey: '3m6bkl2222223',
    rev: rev(1),
    place: placeOf('members'),
    record: {
      space: CLUB,
      subject: { uri: `at://${BEN}/${SPACES}.message/${at3k('members')}`, cid: CID },
      emoji: '🔧',
      createdAt: at,
    },
  })
  for (const write of [...(await everything()), reaction]) await db.write(write)
  const steps: [Write, string[]][] = [
    [await standing(2, 'moderator'), ['', 'members', 'staff']],
    [await standing(3, 'viewer'), ['']],
    [await standing(4, 'member'), ['', 'members']],
    [await standing(5, 'member', { status: 'suspended' }), []],
    [await standing(6, 'member'), ['', 'members']],
  ]
  for (const [change, where] of steps) {
    await db.write(change)
    expect(await shown()).toEqual(where)
    const [row] = (await db.rows(message)).filter(({ place }) => place === placeOf('members'))
    expect(row!['reactions']).toEqual(where.includes('members') ? { '🔧': 1 } : {})
    expect(await wrongFigures(db.pool, collections)).toEqual([])
  }
  const { rows } = await db.pool.query<{ action: string }>(
    `select action from appview.feed where owner = $1 and collection = $2 order by seq`,
    [placeOf('members'), message.nsid],
  )
  const told = rows.map(({ action }) => action)
  expect(told).toEqual(['created', 'deleted', 'created', 'deleted', 'created'])
})

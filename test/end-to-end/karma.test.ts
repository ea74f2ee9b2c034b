import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ForeignPds, startForeignPds } from '../foreign-pds.ts'
import { type Garage, foundGarage } from '../garage.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { asOperator } from './tenancy.ts'
import { CallError, type Person, anybodyGet, createPerson } from '../person.ts'

const [ACTOR, KARMA] = ['co.kendev.actor', 'co.kendev.karma']
const HELP = { type: 'helpful_response' }

type Answer = { uri: string; award: { counts: boolean; whyNot?: string; points: number } }
type Profile = { displayName?: string; karma?: { score: number }; roles?: string[] }

const parts = new AsyncDisposableStack()
let node: TestNode
let foreign: ForeignPds
let sql: pg.Client
let ada: Person
let ben: Person
let cal: Person
let dot: Person
let garage: Garage

beforeAll(async () => {
  node = parts.use(await startNetwork()).nodes[0]!
  foreign = parts.use(await startForeignPds(node.plcUrl))
  sql = new pg.Client({ connectionString: node.databaseUrl })
  await sql.connect()
  parts.defer(() => sql.end())
  ada = await createPerson(node.url, `ada${node.handleDomain}`)
  ben = await createPerson(node.url, `ben${node.handleDomain}`)
  dot = await createPerson(node.url, `dot${node.handleDomain}`)
  cal = await createPerson(foreign.url, 'cal.foreign.test')
  garage = await foundGarage(node.url, ada)
  await ben.create(`${ACTOR}.profile`, { displayName: 'Ben' }, 'self')
}, 300_000)
afterAll(() => parts.disposeAsync(), 120_000)

/** Days pass for everybody whose age is known. */
const grow = () => sql.query(`update node."accountBirth" set "bornAt" = '2020-01-01'`)

const proxied = () => ({ proxy: node.service })
const give = (who: Person, body: Record<string, unknown> = {}) =>
  who.call<Answer>(`${KARMA}.giveAward`, { recipient: ben.did, ...HELP, ...body })
const scoreOf = async (who: Person, by: Person = who) =>
  (await by.get<{ score: number }>(`${KARMA}.getKarma`, { actor: who.did })).score
const setRole = (subject: string, role?: string) =>
  asOperator(node, 'co.kendev.platform.setNodeRole', { subject, ...(role && { role }) })

async function told(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'done',
    (error: unknown) => (error instanceof CallError ? error.error : String(error)),
  )
}

test('an award counts when its author is old enough and may give it', async () => {
  expect(await told(give(ada))).toBe('Forbidden')
  await grow()
  expect((await give(ada)).award).toMatchObject({ counts: true, points: 10 })
  expect(await scoreOf(ben, ada)).toBe(10)
  expect(await told(give(ada, { recipient: ada.did }))).toBe('InvalidRecord')
  expect(await told(give(ada, { points: 11 }))).toBe('InvalidRecord')
  expect(await told(give(ada, { type: 'quality_content' }))).toBe('Forbidden')
  await setRole(ada.did, 'editor')
  expect((await give(ada, { type: 'quality_content' })).award.counts).toBe(true)
  expect(await told(give(ada, { type: 'mystery', points: 1 }))).toBe('InvalidRecord')
  await give(ada, { points: 1 })
  expect(await told(give(ada, { points: 1 }))).toBe('LimitExceeded')
  expect(await scoreOf(ben, ada)).toBe(31)
})

test('who lives elsewhere writes an award at home and tells this node', async () => {
  const asked = { recipient: ben.did, ...HELP }
  const through = (body: object) => cal.call<Answer>(`${KARMA}.giveAward`, { ...body }, proxied())
  expect(await told(through(asked))).toBe('WriteAtYourPds')
  const createdAt = new Date().toISOString()
  const written = await cal.create(`${KARMA}.award`, { ...asked, points: 5, createdAt })
  expect((await through(written)).award).toMatchObject({ counts: false, whyNot: 'AccountTooYoung' })
  await grow()
  expect((await through(written)).award.counts).toBe(true)
  expect(await scoreOf(ben, ada)).toBe(36)
  const other = { uri: written.uri, cid: garage.general }
  expect(await told(ada.call(`${KARMA}.giveAward`, other))).not.toBe('done')
})

test('awards are taken back by their authors and by admins of the node', async () => {
  const { items } = await ada.get<{ items: { uri: string; points: number }[] }>(
    `${KARMA}.listAwards`,
    { recipient: ben.did },
  )
  const worth = (points: number) => ({ award: items.find((one) => one.points === points)!.uri })
  const revoke = (who: Person, body: object) =>
    who.call<Answer>(`${KARMA}.revokeAward`, { ...body })
  expect(await told(revoke(dot, worth(20)))).toBe('NotFound')
  expect(await told(revoke(ben, worth(20)))).toBe('NotFound')
  expect((await revoke(ada, worth(20))).award).toMatchObject({ counts: false, whyNot: 'Revoked' })
  await setRole(dot.did, 'admin')
  expect((await revoke(dot, { ...worth(5), reason: 'A joke.' })).award.counts).toBe(false)
  expect(await scoreOf(ben, ada)).toBe(11)
  const { rows } = await sql.query(`select actor, reason from node."auditEvent"
    where action like '%revokeAward'`)
  expect(rows).toEqual([{ actor: dot.did, reason: 'A joke.' }])
})

test('who hides their profile or karma looks like somebody who has none', async () => {
  const choose = (body: object) => ben.call(`${ACTOR}.putPreferences`, { ...body })
  const seenBy = (who: Person | undefined) => {
    const params = { actor: ben.did }
    return who
      ? who.get<Profile>(`${ACTOR}.getProfile`, params)
      : anybodyGet<Profile>(node.url, `${ACTOR}.getProfile`, params)
  }
  const nameIn = async (who: Person) => {
    const { items } = await who.get<{ items: { profile: Profile; subject: string }[] }>(
      'co.kendev.spaces.listMemberships',
      { space: garage.did },
    )
    return items.find(({ subject }) => subject === ben.did)?.profile.displayName
  }
  await ben.call('co.kendev.spaces.join', { space: garage.did })
  expect(await seenBy(undefined)).toMatchObject({ displayName: 'Ben', karma: { score: 11 } })
  await choose({ profileVisibility: 'members' })
  const bare = { did: ben.did, handle: ben.handle }
  expect([await seenBy(undefined), await seenBy(dot)]).toEqual([bare, bare])
  expect(await seenBy(ada)).toMatchObject({ displayName: 'Ben', karma: { score: 11 } })
  expect([await nameIn(ada), await nameIn(dot)]).toEqual(['Ben', undefined])
  await choose({ karmaScoreVisible: false })
  expect(await seenBy(ada)).not.toHaveProperty('karma')
  expect(await told(scoreOf(ben, ada))).toBe('NotFound')
  expect(await seenBy(ben)).toMatchObject({ displayName: 'Ben', karma: { score: 11 } })
  const received = await dot.get<{ items: object[] }>(`${KARMA}.listAwards`, {
    recipient: ben.did,
  })
  expect(received.items).toEqual([])
  await choose({ profileVisibility: 'private' })
  expect(await seenBy(ada)).toEqual(bare)
  expect(await nameIn(ada)).toBeUndefined()
  expect(await nameIn(ben)).toBe('Ben')
})

test('what somebody has chosen is known to them, and stays until they change it', async () => {
  const choice = (who: Person) => who.get(`${ACTOR}.getPreferences`)
  expect(await choice(dot)).toEqual({
    notifications: { email: true, inApp: true, guardianAngelAlerts: true },
    privacy: { profileVisibility: 'public', karmaScoreVisible: true, readReceipts: false },
  })
  await dot.call(`${ACTOR}.putPreferences`, { email: false })
  await dot.call(`${ACTOR}.putPreferences`, { inApp: false, profileVisibility: 'members' })
  expect(await choice(dot)).toEqual({
    notifications: { email: false, inApp: false, guardianAngelAlerts: true },
    privacy: { profileVisibility: 'members', karmaScoreVisible: true, readReceipts: false },
  })
  const wrong = { profileVisibility: 'friends' }
  expect(await told(dot.call(`${ACTOR}.putPreferences`, wrong))).toBe('InvalidRecord')
  expect(await told(anybodyGet(node.url, `${ACTOR}.getPreferences`))).toBe('AuthenticationRequired')
})

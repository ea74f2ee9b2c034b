import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type SpaceReader,
  createAppKey,
  delegationOf,
  exchange,
  readerOf,
} from '../permissioned/space-client.ts'
import {
  POST,
  type World,
  admit,
  asking,
  createSpace,
  saying,
  startWorld,
  writePost,
} from '../permissioned/world.ts'
import type { Person } from '../person.ts'

const MINUTE_MS = 60_000

let world: World
let ada: Person
let ben: Person
let space: string
/** How far the clock of both nodes is ahead of the machine's. */
let ahead = 0

beforeAll(async () => {
  world = await startWorld(2, { now: () => new Date(Date.now() + ahead) })
  ada = await world.person(world.here)
  ben = await world.person(world.there)
  space = await createSpace(ada)
  await admit(ada, space, ben.did)
  await writePost(ada, space, 'Rain tonight', 'rain')
  await writePost(ben, space, 'Sun tomorrow', 'sun')
})
afterAll(async () => world?.[Symbol.asyncDispose]())

const at = (nsid: string, params: Record<string, string> = {}) =>
  asking(`com.atproto.space.${nsid}`, { space, ...params })

const hers = () => at('getRecord', { repo: ada.did, collection: POST, rkey: 'rain' })

/** One that asks for the repos of people of this node. */
const readerAt = (home: string): Promise<SpaceReader> =>
  readerOf(ben, { home, host: world.here.url, space })

test('a credential opens nothing ten minutes later, at either node, and a new one does', async () => {
  const [here, there] = [await readerAt(world.here.url), await readerAt(world.there.url)]
  const his = at('getRecord', { repo: ben.did, collection: POST, rkey: 'sun' })
  ahead += 9 * MINUTE_MS
  expect(await saying(here.get(hers(), ada.did))).toBe('200')
  expect(await saying(there.get(his, ben.did))).toBe('200')
  ahead += 2 * MINUTE_MS
  for (const name of ['getRecord', 'listRecords', 'getLatestCommit', 'getRepo', 'listRepoOps']) {
    const params: Record<string, string> =
      name === 'getRecord' ? { collection: POST, rkey: 'rain' } : {}
    const asked = here.get(at(name, { repo: ada.did, ...params }), ada.did)
    expect(await saying(asked), name).toBe('401 BadSpaceCredential')
  }
  expect(await saying(here.get(at('listRepos'), ada.did))).toBe('401 BadSpaceCredential')
  expect(await saying(there.get(his, ben.did))).toBe('401 BadSpaceCredential')
  const service = `${world.there.did}#angelos_appview`
  const register = here.post('com.atproto.space.registerNotify', { space, service }, ada.did)
  expect(await saying(register)).toBe('401 BadSpaceCredential')
  const { body } = await here.get(hers(), ada.did)
  expect(body['message']).toBe(
    'The space credential does not hold. Get a new one from the authority. (JwtExpired)',
  )
  const again = await readerAt(world.here.url)
  expect(await saying(again.get(hers(), ada.did))).toBe('200')
})

test('a delegation token that was not used within its minute gets no credential', async () => {
  const token = await delegationOf(ben, space)
  ahead += 2 * MINUTE_MS
  const late = exchange(world.here.url, { token, key: createAppKey(), space })
  expect(await saying(late)).toBe('400 InvalidDelegationToken')
})

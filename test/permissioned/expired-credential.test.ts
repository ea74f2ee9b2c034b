import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Person } from '../person.ts'
import { createAppKey, delegationOf, exchange, readerOf } from './space-client.ts'
import {
  POST,
  type World,
  admit,
  asking,
  createSpace,
  saying,
  startWorld,
  writePost,
} from './world.ts'

const MINUTE = 60_000
let world: World
let ada: Person
let ben: Person
let space: string
/** How far the time of the nodes is ahead. */
let ahead = 0

beforeAll(async () => {
  world = await startWorld(2, { now: () => new Date(Date.now() + ahead) })
  ada = await world.person(world.here)
  ben = await world.person(world.there)
  space = await createSpace(ada)
  await admit(ada, space, ben.did)
  await writePost(ada, space, 'Rain tonight', 'rain')
})
afterAll(async () => world?.[Symbol.asyncDispose]())

const read = (reader: Awaited<ReturnType<typeof readerOf>>) =>
  saying(
    reader.get(
      asking('com.atproto.space.getRecord', {
        space,
        repo: ada.did,
        collection: POST,
        rkey: 'rain',
      }),
      ada.did,
    ),
  )

test('a credential opens its space for ten minutes, and a new one for ten more', async () => {
  const at = { home: world.here.url, host: world.here.url, space }
  const reader = await readerOf(ben, at)
  expect(await read(reader)).toBe('200')
  ahead = 9 * MINUTE
  expect(await read(reader)).toBe('200')
  ahead = 11 * MINUTE
  expect(await read(reader)).toBe('401 BadSpaceCredential')
  expect(await read(await readerOf(ben, at))).toBe('200')
})

test('a delegation that is over is traded for nothing', async () => {
  const token = await delegationOf(ben, space)
  ahead += 10 * MINUTE
  const trade = exchange(world.here.url, { token, key: createAppKey(), space })
  expect(await saying(trade)).toBe('400 InvalidDelegationToken')
})

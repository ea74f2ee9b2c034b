import { Secp256k1Keypair } from '@atproto/crypto'
import { XRPCError } from '@atproto/xrpc-server'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { silentLog } from '../../src/log.ts'
import { createHostedAccount, ensureHostedAccount } from '../../src/pds/accounts.ts'
import { type Plc } from '../../src/pds/plc.ts'
import { createUserAccount } from '../../src/pds/user-account.ts'
import { createWriter } from '../../src/pds/write.ts'
import { get, message, post, startMemoryPlc, startNode } from './network.ts'
import { type TestNode } from './network.ts'
import { subscribe } from './subscribe.ts'

let plc: Plc
let node: TestNode

beforeAll(async () => {
  plc = await startMemoryPlc()
  node = await startNode({ plcUrl: plc.url })
})
afterAll(async () => {
  await node?.close()
  await plc?.close()
})

const account = (handle: string) => ({
  pds: node.pds,
  log: silentLog,
  handle,
  handleDomains: ['.test'],
})
const nameOf = async (work: Promise<unknown>) => {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return error instanceof XRPCError ? error.error : error
}
const plcData = async (did: string) => {
  const response = await fetch(`${plc.url}/${did}/data`)
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const eventsOf = async (did: string) => {
  const { db } = node.pds.ctx.sequencer.db
  const rows = db.selectFrom('repo_seq').select('eventType').where('did', '=', did)
  return (await rows.orderBy('seq').execute()).map(({ eventType }) => eventType)
}

/** Replaces a method of the PDS for one test. */
function replace<T extends object, K extends keyof T>(
  target: T,
  key: K,
  make: (old: T[K]) => T[K],
) {
  const old = target[key]
  const bound = (typeof old === 'function' ? old.bind(target) : old) as T[K]
  target[key] = make(bound)
  const restore = () => void (target[key] = old)
  onTestFinished(restore)
  return restore
}

test('a hosted account has an identity, a repo the node writes to, and no password', async () => {
  const recovery = await Secp256k1Keypair.create()
  const made = await createHostedAccount({
    ...account('Market-Garden.test'),
    recoveryKey: recovery.did(),
  })
  expect(made.handle).toBe('market-garden.test')
  const { body } = await plcData(made.did)
  expect(body.rotationKeys).toEqual([recovery.did(), node.pds.ctx.plcRotationKey.did()])
  expect(body.alsoKnownAs).toEqual(['at://market-garden.test'])
  const resolved = await get(
    node.url,
    'com.atproto.identity.resolveHandle?handle=market-garden.test',
  )
  expect(resolved.body.did).toBe(made.did)
  const record = { text: 'open today' }
  const collection = message.$type
  await createWriter(node.pds, silentLog).createRecord({ did: made.did, collection, record })
  const session = await post(node.url, 'com.atproto.server.createSession', {
    body: { identifier: made.handle, password: '' },
  })
  expect(session.status).toBe(401)
})

test('the making of a hosted account is announced on the firehose', async () => {
  const { did } = await createHostedAccount(account('announced.test'))
  const frames = subscribe(`${node.url}/xrpc/com.atproto.sync.subscribeRepos?cursor=0`)
  await frames.find((body) => body.did === did && body.handle === 'announced.test')
  await frames.find((body) => body.did === did && body.active === true)
  const commit = await frames.find((body) => body.repo === did)
  expect(commit).toMatchObject({ ops: [], since: null })
  frames.close()
})

test('handles may be long or of two names, and follow the rules for names', async () => {
  const long = `${'a'.repeat(63)}.test`
  expect((await createHostedAccount(account(long))).handle).toBe(long)
  const shop = await createHostedAccount(account('shop.corner-bakery.test'))
  expect(shop.handle).toBe('shop.corner-bakery.test')
  for (const handle of [
    'ab.test',
    `${'a'.repeat(64)}.test`,
    '-abc.test',
    'abc-.test',
    'under_score.test',
    'a.b.c.test',
    'one.two.three.test',
    'someone.example.com',
    'nohandle',
  ]) {
    const refused = { handle, error: await nameOf(createHostedAccount(account(handle))) }
    expect(refused).toEqual({ handle, error: 'InvalidHandle' })
  }
})

test('reserved words of the package and of the node are not available', async () => {
  for (const handle of [
    'admin.test',
    'www.test',
    'node.test',
    'validator.test',
    'x-y.admin.test',
  ]) {
    const refused = { handle, error: await nameOf(createHostedAccount(account(handle))) }
    expect(refused).toEqual({ handle, error: 'HandleNotAvailable' })
  }
  const own = await createHostedAccount({ ...account('node.test'), reserved: true })
  expect(own.handle).toBe('node.test')
})

test('a handle in use, by a person or by an account of the node, is not available', async () => {
  await node.createUser('taken.test')
  expect(await nameOf(createHostedAccount(account('taken.test')))).toBe('HandleNotAvailable')
  await createHostedAccount(account('used.test'))
  expect(await nameOf(createHostedAccount(account('USED.test')))).toBe('HandleNotAvailable')
})

test('ensuring an account twice, or twice at once, answers one DID, announced once', async () => {
  const first = await ensureHostedAccount(account('ensured.test'))
  expect(await ensureHostedAccount(account('ensured.test'))).toEqual(first)
  expect(await eventsOf(first.did)).toEqual(['identity', 'account', 'append', 'sync'])
  const both = await Promise.all([1, 2].map(() => ensureHostedAccount(account('at-once.test'))))
  expect(both[0]).toEqual(both[1])
})

test('ensuring an account that belongs to a person is refused', async () => {
  await node.createUser('personal.test')
  expect(await nameOf(ensureHostedAccount(account('personal.test')))).toBe('HandleNotAvailable')
})

const broken = () => Promise.reject(new Error('broken'))
/** Each breaks one step; "what follows" a step does it first: its answer is lost. */
const failures: Record<string, () => () => void> = {
  'creating the repo store': () => replace(node.pds.ctx.actorStore, 'create', () => broken),
  'the first commit': () => replace(node.pds.ctx.actorStore, 'transact', () => broken),
  'sending the identity': () => replace(node.pds.ctx.plcClient, 'sendOperation', () => broken),
  'what follows sending the identity': () =>
    replace(node.pds.ctx.plcClient, 'sendOperation', (send) => async (did, op) => {
      await send(did, op)
      return broken()
    }),
  'storing the account': () => replace(node.pds.ctx.accountManager, 'createAccount', () => broken),
  'what follows storing the account': () =>
    replace(node.pds.ctx.accountManager, 'createAccount', (create) => async (row) => {
      await create(row)
      return broken()
    }),
  'announcing the account': () =>
    replace(node.pds.ctx.sequencer, 'sequenceAccountCreation', () => broken),
}

for (const [index, [step, fail]] of Object.entries(failures).entries()) {
  test(`a failure in ${step} is cleaned up and the handle stays free`, async () => {
    const handle = `failing-${index}.test`
    const repair = fail()
    let did = ''
    replace(node.pds.ctx.actorStore, 'create', (create) => async (name, key) => {
      did = name
      await create(name, key)
    })
    await expect(createHostedAccount(account(handle))).rejects.toThrow('broken')
    expect(await node.pds.ctx.accountManager.getAccount(handle as `${string}.test`)).toBeNull()
    expect(await node.pds.ctx.actorStore.exists(did)).toBe(false)
    expect((await plcData(did)).status).toBe(404)
    repair()
    const made = await createHostedAccount(account(handle))
    expect((await plcData(made.did)).status).toBe(200)
  })

  test(`a crash in ${step}, with nothing cleaned up, does not use up the handle`, async () => {
    const handle = `crashing-${index}.test`
    const { actorStore, plcClient, accountManager } = node.pds.ctx
    const repairs = [
      fail(),
      replace(actorStore, 'destroy', () => broken),
      replace(plcClient, 'tombstone', () => broken),
      replace(accountManager, 'deleteAccount', () => broken),
    ]
    await expect(createHostedAccount(account(handle))).rejects.toThrow('broken')
    for (const repair of repairs) repair()
    const made = await ensureHostedAccount(account(handle))
    expect((await plcData(made.did)).body.alsoKnownAs).toEqual([`at://${handle}`])
    const record = { text: 'after the crash' }
    const collection = message.$type
    await createWriter(node.pds, silentLog).createRecord({ did: made.did, collection, record })
    const kinds = await eventsOf(made.did)
    expect(kinds.filter((kind) => kind === 'identity')).toHaveLength(1)
    expect(kinds.filter((kind) => kind === 'account')).toHaveLength(1)
    expect(kinds.filter((kind) => kind === 'sync')).toHaveLength(1)
  })
}

test('two handles raced for give one account, and the loser leaves no repo', async () => {
  const dids: string[] = []
  replace(node.pds.ctx.actorStore, 'create', (create) => async (name, key) => {
    dids.push(name)
    await create(name, key)
  })
  const race = [1, 2].map(() => createHostedAccount(account('raced.test')))
  const results = await Promise.allSettled(race)
  const winner = results.find((result) => result.status === 'fulfilled')!.value
  const loser = results.find((result) => result.status === 'rejected')!
  expect((loser.reason as XRPCError).error).toBe('HandleNotAvailable')
  const exist = await Promise.all(dids.map((did) => node.pds.ctx.actorStore.exists(did)))
  expect(dids.filter((_, index) => exist[index])).toEqual([winner.did])
})

test('people make accounts through the PDS as before, also by invitation', async () => {
  const { did } = await node.createUser('someone.test')
  expect((await plcData(did)).body.alsoKnownAs).toEqual(['at://someone.test'])
  const closed = await startNode({ plcUrl: plc.url, change: { inviteRequired: true } })
  try {
    const { adminPassword } = closed
    const who = { origin: closed.url, email: 'a@example.com', password: 'a-password' }
    const made = await createUserAccount({ ...who, handle: 'invited.test', adminPassword })
    expect(made.handle).toBe('invited.test')
    const again = createUserAccount({ ...who, handle: 'invited.test', adminPassword })
    await expect(again).rejects.toThrow('Handle already taken')
    const wrong = createUserAccount({ ...who, handle: 'other.test', adminPassword: 'guess' })
    await expect(wrong).rejects.toThrow('createInviteCode answered 401')
  } finally {
    await closed.close()
  }
})

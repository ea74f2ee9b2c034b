import { afterAll, beforeAll, expect, test } from 'vitest'
import { nativeCrypto } from '../../src/crypto/native.ts'
import type { ReadEpoch } from '../../src/tokens/epoch.ts'
import { CERTIFICATE, readCertificate } from '../../src/tokens/certificate.ts'
import { encodeRecord } from '../../src/tokens/encoding.ts'
import { reviveBytes } from '../../src/tokens/json-bytes.ts'
import { verifyProof } from '../../src/tokens/light-client.ts'
import { nodeProcess } from '../node-process.ts'
import { type Person, anybodyGet, createPerson } from '../person.ts'
import { exchangeAcrossNodes } from '../tokens/exchange-story.ts'
import { type LedgerByCommands, ledgerByCommands } from '../tokens/ledger-by-commands.ts'
import { type TokenNetwork, tokenNetwork } from '../tokens/network.ts'
import { payments } from '../tokens/payments.ts'
import { everyNodeAgrees, rebuildViews } from '../tokens/standings.ts'
import { payByWallet, payWithADeviceKey } from '../tokens/wallet-story.ts'

const TOKEN = 1_000_000
const SOON = { timeout: 60_000, interval: 500 }
let network: TokenNetwork
let genesis: ReadEpoch
let ada: Person
let ben: Person
let council: Person
let next: ReadEpoch
let ledger: LedgerByCommands

beforeAll(async () => {
  network = await tokenNetwork()
  const [one, two] = network.nodes
  ada = await createPerson(one!.origin, 'ada.node1.test')
  ben = await createPerson(two!.origin, 'ben.node2.test')
  council = await createPerson(one!.origin, 'council.node1.test')
  ledger = ledgerByCommands(network, council)
  genesis = await ledger.found({
    gifts: [{ to: ada.did, amount: 40 * TOKEN }],
    params: { holdHours: 0 },
  })
}, 280_000)
afterAll(() => network[Symbol.asyncDispose]())

type Listed = { records: { uri: string; value: unknown }[] }

/** The certificates that a node has published. */
async function published(n: number) {
  const { origin } = network.nodes[n - 1]!
  const asked = { repo: `node.node${n}.test`, collection: CERTIFICATE }
  const { records } = await anybodyGet<Listed>(origin, 'com.atproto.repo.listRecords', asked)
  return records.map(({ value }) => {
    const read = readCertificate(encodeRecord(reviveBytes(value) as object))
    if (!read.ok) throw new Error(read.detail)
    return read.certificate
  })
}

test('who writes a transfer into their repo need do no more: both nodes publish that it is final', async () => {
  const at = { genesis, epoch: genesis }
  const [first, second] = [
    await payments(network, ada).write(ben.did, 2 * TOKEN, { ...at, state: { seq: 0 } }),
    await payments(network, ada).write(ben.did, TOKEN, {
      ...at,
      state: { seq: 1, head: await idOf(1) },
    }),
  ]
  for (const n of [1, 2]) {
    await expect.poll(() => published(n), SOON).toHaveLength(2)
    for (const [index, { record }] of [first, second].entries()) {
      const certificate = (await published(n)).find(({ seq }) => seq === index + 1)!
      const proof = {
        epochs: [encodeRecord(genesis.epoch)],
        account: ada.did,
        transfer: record,
        certificate: encodeRecord(certificate),
      }
      expect(verifyProof(nativeCrypto, genesis.id, proof)).toMatchObject({ status: 'final' })
    }
  }
}, 120_000)

test('both see what that comes to, each on their own node', async () => {
  const balance = async (n: number, account: string) => {
    const { origin } = network.nodes[n - 1]!
    const asked = { account, ledger: genesis.id }
    type View = { currentBalance: number }
    const view = await anybodyGet<View>(origin, 'co.kendev.tokens.getBalance', asked)
    return view.currentBalance
  }
  await expect.poll(() => balance(1, ada.did), SOON).toBe(37 * TOKEN)
  await expect.poll(() => balance(2, ben.did), SOON).toBe(3 * TOKEN)
}, 150_000)

test('on every node, also where nobody was paid, views are what the validators have signed', async () => {
  next = await ledger.next([{ kind: 'node_reward', amount: 7, to: ben.did }])
  await everyNodeAgrees(network.nodes, next.epoch, { paid: 0 })
  await payments(network, ada).write(ben.did, TOKEN, { genesis, epoch: next })
  await everyNodeAgrees(network.nodes, next.epoch, { paid: 1 })
  await rebuildViews(network.nodes[2]!)
  await everyNodeAgrees(network.nodes, next.epoch, { paid: 1 })
}, 300_000)

test('an account of a host that knows of no ledger pays by writing into its repo, and no more', async () => {
  const { ANGELOS_PLC_URL } = network.nodes[0]!.env
  await using elsewhere = await nodeProcess('start', {
    ANGELOS_PLC_URL: ANGELOS_PLC_URL!,
    ANGELOS_NAME: 'elsewhere',
  })
  await elsewhere.start()
  const carl = await createPerson(elsewhere.origin, 'carl.elsewhere.test')
  await payments(network, ada).write(carl.did, 2 * TOKEN, { genesis, epoch: next })
  const balance = async (n: number, account: string) => {
    const asked = { account, ledger: genesis.id }
    const nsid = 'co.kendev.tokens.getBalance'
    type View = { currentBalance: number }
    return (await anybodyGet<View>(network.nodes[n - 1]!.origin, nsid, asked)).currentBalance
  }
  await expect.poll(() => balance(3, carl.did), SOON).toBe(2 * TOKEN)
  const before = await balance(2, ben.did)
  const at = { genesis, epoch: next, state: { seq: 0 } }
  await payments({ nodes: [elsewhere] }, carl).write(ben.did, TOKEN, at)
  await expect.poll(() => balance(2, ben.did), SOON).toBe(before + TOKEN)
  await everyNodeAgrees(network.nodes, next.epoch, { paid: 3 })
}, 200_000)

test('a payment that takes a quote is answered by the node of the provider', async () => {
  await exchangeAcrossNodes(network, { customer: ada, provider: ben }, { genesis, epoch: next })
}, 200_000)

test('by the wallet a payment is made, seen by both and proved from a file, and nothing is sent twice', async () => {
  await payByWallet(network, { ada, ben })
}, 200_000)

test('above a small limit a payment takes a device key, and with one in the document every payment', async () => {
  await payWithADeviceKey(network, { ada, ben })
}, 200_000)

test('whoever governs sees how the validators are, stops the ledger, and has it go on', async () => {
  const well = await ledger.run('status', '--json')
  expect(well.code).toBe(0)
  const phase = { epoch: 1, phase: 'open' }
  const validators = network.nodes.map(() => phase)
  expect(JSON.parse(well.stdout)).toMatchObject({ epoch: 1, open: 4, certifies: true, validators })
  expect(await ledger.run('seal')).toMatchObject({ code: 0 })
  const stopped = await ledger.run('status')
  expect(stopped.code).toBe(1)
  expect(stopped.stdout).toContain('quorum      3 of 4, 0 take transfers now')
  const { epoch } = await ledger.next([])
  expect(epoch).toMatchObject({ epoch: 2, quorum: 3 })
  expect(await ledger.run('status')).toMatchObject({ code: 0 })
  const strange = await ledger.run('epoch', '--remove', ada.did)
  expect(strange).toMatchObject({ code: 2 })
  expect(strange.stderr).toContain(`${ada.did} is no validator`)
}, 120_000)

/** Id of Ada's transfer with a number, as the records of certificates name it. */
async function idOf(seq: number): Promise<string> {
  await expect
    .poll(async () => (await published(1)).some((one) => one.seq === seq), SOON)
    .toBe(true)
  return (await published(1)).find((one) => one.seq === seq)!.transfer
}

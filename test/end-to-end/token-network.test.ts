import { afterAll, beforeAll, expect, test } from 'vitest'
import { nativeCrypto } from '../../src/crypto/native.ts'
import { attest } from '../../src/tokens/attestation.ts'
import { committeeOf, type ReadEpoch } from '../../src/tokens/epoch.ts'
import { encodeRecord } from '../../src/tokens/encoding.ts'
import { verifyProof } from '../../src/tokens/light-client.ts'
import { isRefusal } from '../../src/tokens/refusal.ts'
import { readTransfer } from '../../src/tokens/transfer.ts'
import { type Person, anybodyGet, createPerson } from '../person.ts'
import { type TokenNetwork, tokenNetwork } from '../tokens/network.ts'
import { type Written, payments } from '../tokens/payments.ts'

let network: TokenNetwork
let genesis: ReadEpoch
let ada: Person
let ben: Person
let pay: ReturnType<typeof payments>
const TOKEN = 1_000_000

beforeAll(async () => {
  network = await tokenNetwork()
  const [one, two] = network.nodes
  ada = await createPerson(one!.origin, 'ada.node1.test')
  ben = await createPerson(two!.origin, 'ben.node2.test')
  genesis = await network.found([{ kind: 'system_grant', amount: 9 * TOKEN, to: ada.did }])
  pay = payments(network, ada)
}, 240_000)
afterAll(() => network[Symbol.asyncDispose]())

type State = { seq: number; head?: string; balance: number }
const stateAt = (origin: string, account: string) =>
  anybodyGet<State>(origin, 'co.kendev.tokens.readAccountState', { account })

const writeTransfer = (amount: number, state: State | { seq: number }) =>
  pay.write(ben.did, amount, { genesis, epoch: genesis, state })
const certify = (submission: Written) => pay.certify(genesis, submission)

/** All validators come to the same state of an account. */
async function agree(account: string, state: object, nodes = network.nodes): Promise<void> {
  const states = () => Promise.all(nodes.map(({ origin }) => stateAt(origin, account)))
  await expect.poll(states, { timeout: 30_000 }).toMatchObject(nodes.map(() => state))
}

test('Ada pays Ben on another node: certified, final, seen by both and provable offline', async () => {
  const submission = await writeTransfer(2 * TOKEN, { seq: 0 })
  const driven = await certify(submission)
  if (isRefusal(driven) || driven.status !== 'final') throw new Error(JSON.stringify(driven))
  await agree(ben.did, { balance: 2 * TOKEN })
  await agree(ada.did, { balance: 7 * TOKEN, seq: 1, head: driven.apply.transfer })
  const proof = {
    epochs: [encodeRecord(genesis.epoch)],
    account: ada.did,
    transfer: submission.record,
    certificate: encodeRecord(driven.apply),
  }
  expect(verifyProof(nativeCrypto, genesis.id, proof)).toMatchObject({ status: 'final' })
})

test('with a validator killed on the way a transfer is final, and the validator comes to it', async () => {
  const third = network.nodes[2]!
  const submission = await writeTransfer(TOKEN, await stateAt(network.nodes[0]!.origin, ada.did))
  const [driven] = await Promise.all([certify(submission), third.kill()])
  expect(driven).toMatchObject({ status: 'final' })
  await third.start()
  await agree(ben.did, { balance: 3 * TOKEN })
})

test('one that signs whatever it is asked, and lies about it, changes nothing', async () => {
  const committee = committeeOf(genesis)
  const signer = network.signers[3]!
  const validator = genesis.epoch.validators[3]!.did
  network.gate = async ({ body }) => {
    const { account, record } = JSON.parse(body || '{}') as {
      account: string
      record: { $bytes: string }
    }
    const bytes = new Uint8Array(Buffer.from(record?.$bytes ?? '', 'base64'))
    const read = readTransfer(nativeCrypto, account, bytes)
    if (isRefusal(read)) return {}
    const { ledger, epoch, id } = committee
    const { seq, prev } = read.transfer
    const before = prev === undefined ? {} : { prev }
    const at = { ledger, epoch, committee: id, account, seq, ...before, transfer: read.id }
    const by = { validator, senderKey: signer.didKey, observedAt: '2031-01-01T00:00:00.000Z' }
    // Everything is applied, whether or not anything was certified.
    return { attestation: attest(nativeCrypto, signer, { phase: 'apply', ...at }, by) }
  }
  const state = await stateAt(network.nodes[0]!.origin, ada.did)
  const one = await writeTransfer(TOKEN, state)
  expect(await certify(one)).toMatchObject({ status: 'final' })
  const rival = await writeTransfer(2 * TOKEN, state)
  expect(await certify(rival)).toMatchObject({ status: 'failed', reason: 'AlreadyCertified' })
  network.gate = () => 'forward'
  await agree(ben.did, { balance: 4 * TOKEN })
})

test('with two silent a transfer stays pending, and is final once they are back', async () => {
  const third = network.nodes[2]!
  await third.stop()
  network.gate = () => 'drop'
  const submission = await writeTransfer(TOKEN, await stateAt(network.nodes[0]!.origin, ada.did))
  for (let tries = 0; tries < 3; tries += 1) {
    expect(await certify(submission)).toMatchObject({ status: 'pending' })
  }
  await agree(ben.did, { balance: 4 * TOKEN }, network.nodes.slice(0, 2))
  network.gate = () => 'forward'
  await third.start()
  expect(await certify(submission)).toMatchObject({ status: 'final' })
  await agree(ben.did, { balance: 5 * TOKEN })
})

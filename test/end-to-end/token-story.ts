import { nativeCrypto } from '../../src/crypto/native.ts'
import { attest } from '../../src/tokens/attestation.ts'
import type { Driven } from '../../src/tokens/drive-transfer.ts'
import { encodeRecord } from '../../src/tokens/encoding.ts'
import { type ReadEpoch, committeeOf } from '../../src/tokens/epoch.ts'
import { verifyProof } from '../../src/tokens/light-client.ts'
import { type Refusal, isRefusal } from '../../src/tokens/refusal.ts'
import { TRANSFER, readTransfer, transferRkey } from '../../src/tokens/transfer.ts'
import { eventually } from '../eventually.ts'
import { type Person, anybodyGet, createPerson } from '../person.ts'
import { type Manner, type TokenNetwork, tokenNetwork } from '../tokens/network.ts'
import { type Written, payments } from '../tokens/payments.ts'
import { check } from './story-checks.ts'

const TOKEN = 1_000_000
const TOKENS = 'co.kendev.tokens'
/** How long views and validators may take until they have heard of something. */
const SOON_MS = 60_000

type State = { seq: number; head?: string; balance: number }
type View = { status: string; consensus: { final?: boolean } }
type Stage = {
  readonly network: TokenNetwork
  readonly genesis: ReadEpoch
  readonly ada: Person
  readonly ben: Person
  readonly tell: (line: string) => void
  readonly pay: ReturnType<typeof payments>
}

/** Four nodes certify what Ada pays Ben, who is on another one: with all of them, with one that is
 *  killed on the way, with one that lies, and not with two that are silent, until they are back.
 *  Throws where the story does not go as told. */
export async function playTokenStory(tell: (line: string) => void): Promise<void> {
  await using network = await tokenNetwork()
  const [one, two] = network.nodes
  const ada = await createPerson(one!.origin, 'ada.node1.test')
  const ben = await createPerson(two!.origin, 'ben.node2.test')
  const council = await createPerson(one!.origin, 'council.node1.test')
  const genesis = await network.found(
    [{ kind: 'system_grant', amount: 9 * TOKEN, to: ada.did }],
    council,
  )
  tell(`four nodes validate the ledger ${genesis.id}, three of them must agree`)
  tell('its first epoch grants Ada, on the first node, 9 AT; Ben is on the second and has none')
  const stage = { network, genesis, ada, ben, tell, pay: payments(network, ada) }
  await payAcross(stage)
  await payWithOneKilled(stage)
  await payWithALiar(stage)
  await payWithTwoSilent(stage)
}

async function payAcross(stage: Stage): Promise<void> {
  const { genesis, ada, ben, tell } = stage
  const written = await write(stage, 2 * TOKEN)
  const apply = final(await certify(stage, written))
  await allHave(stage, ben, { balance: 2 * TOKEN })
  await allHave(stage, ada, { balance: 7 * TOKEN, seq: 1, head: apply.transfer })
  await bothSee(stage, 1, { status: 'confirmed', isFinal: true })
  tell(
    `Ada pays Ben 2 AT: certified by ${apply.attestations.length} validators, final on both nodes`,
  )
  const proof = {
    epochs: [encodeRecord(genesis.epoch)],
    account: ada.did,
    transfer: written.record,
    certificate: encodeRecord(apply),
  }
  const verified = verifyProof(nativeCrypto, genesis.id, proof)
  check(!isRefusal(verified) && verified.status === 'final', 'the proof needs no network')
  const altered = { ...proof, account: ben.did }
  check(isRefusal(verifyProof(nativeCrypto, genesis.id, altered)), 'it proves nothing else')
  tell('the proof of it holds without a network, from the id of the ledger alone')
}

async function payWithOneKilled(stage: Stage): Promise<void> {
  const third = stage.network.nodes[2]!
  const written = await write(stage, TOKEN)
  const [driven] = await Promise.all([certify(stage, written), third.kill()])
  final(driven)
  await third.start()
  await allHave(stage, stage.ben, { balance: 3 * TOKEN })
  await bothSee(stage, 2, { status: 'confirmed', isFinal: true })
  stage.tell(
    'the third validator is killed with -9 on the way of the next one: final all the same,',
  )
  stage.tell('and once started again it has the same balances as the others')
}

async function payWithALiar(stage: Stage): Promise<void> {
  const { network, ben, tell } = stage
  network.gate = liar(stage)
  const state = await stateOf(stage)
  final(await certify(stage, await write(stage, TOKEN, state)))
  const rival = await certify(stage, await write(stage, 2 * TOKEN, state))
  const isRefused = !isRefusal(rival) && rival.status === 'failed'
  check(isRefused && rival.reason === 'AlreadyCertified', 'one number is paid once')
  network.gate = () => 'forward'
  await allHave(stage, ben, { balance: 4 * TOKEN })
  tell('the fourth signs whatever it is asked, also that it has applied what nobody has certified:')
  tell('the next one is final, and a second transfer of the same number is not')
}

async function payWithTwoSilent(stage: Stage): Promise<void> {
  const { network, ben, tell } = stage
  const third = network.nodes[2]!
  await third.stop()
  network.gate = () => 'drop'
  const written = await write(stage, TOKEN)
  for (let tries = 0; tries < 3; tries += 1) {
    const driven = await certify(stage, written)
    check(!isRefusal(driven) && driven.status === 'pending', 'two of four make nothing final')
  }
  await bothSee(stage, 4, { status: 'pending', isFinal: false })
  await allHave(stage, ben, { balance: 4 * TOKEN }, 2)
  tell('two are silent: the next one stays pending, however often it is tried')
  network.gate = () => 'forward'
  await third.start()
  final(await certify(stage, written))
  await allHave(stage, ben, { balance: 5 * TOKEN })
  await bothSee(stage, 4, { status: 'confirmed', isFinal: true })
  tell('they are back: it is final; Ben has 5 AT on every node, Ada 4')
}

/** Attests to everything, certified or not. */
function liar({ network, genesis }: Stage): Manner {
  const { ledger, epoch, id } = committeeOf(genesis)
  const signer = network.signers[3]!
  const validator = genesis.epoch.validators[3]!.did
  return async ({ body }) => {
    const asked = JSON.parse(body || '{}') as { account: string; record?: { $bytes: string } }
    const bytes = new Uint8Array(Buffer.from(asked.record?.$bytes ?? '', 'base64'))
    const read = readTransfer(nativeCrypto, asked.account, bytes)
    if (isRefusal(read)) return {}
    const { account, id: transfer } = read
    const { seq, prev } = read.transfer
    const before = prev === undefined ? {} : { prev }
    const at = { ledger, epoch, committee: id, account, seq, ...before, transfer }
    const by = { validator, senderKey: signer.didKey, observedAt: '2031-01-01T00:00:00.000Z' }
    return { attestation: attest(nativeCrypto, signer, { phase: 'apply', ...at }, by) }
  }
}

async function write(stage: Stage, amount: number, state?: State): Promise<Written> {
  const { pay, ben, genesis } = stage
  return pay.write(ben.did, amount, {
    genesis,
    epoch: genesis,
    state: state ?? (await stateOf(stage)),
  })
}

function certify({ pay, genesis }: Stage, written: Written): Promise<Driven | Refusal> {
  return pay.certify(genesis, written)
}

function final(driven: Driven | Refusal) {
  check(!isRefusal(driven) && driven.status === 'final', `it is final: ${JSON.stringify(driven)}`)
  return driven.apply
}

function stateOf({ network, ada }: Stage): Promise<State> {
  const { origin } = network.nodes[0]!
  return anybodyGet<State>(origin, `${TOKENS}.readAccountState`, { account: ada.did })
}

/** Waits until the first `count` validators have come to this of an account. */
async function allHave(
  { network }: Stage,
  { did: account }: Person,
  expected: Partial<State>,
  count = 4,
): Promise<void> {
  for (const { origin } of network.nodes.slice(0, count)) {
    await eventually(async () => {
      const state = await anybodyGet<State>(origin, `${TOKENS}.readAccountState`, { account })
      const names = Object.keys(expected) as (keyof State)[]
      const isSo = names.every((name) => state[name] === expected[name])
      check(isSo, `${origin} has ${JSON.stringify(expected)}, not ${JSON.stringify(state)}`)
    }, SOON_MS)
  }
}

/** Waits until Ada's node and Ben's both show her transfer as what it is. */
async function bothSee(
  { network, ada }: Stage,
  seq: number,
  { status, isFinal }: { status: string; isFinal: boolean },
): Promise<void> {
  const uri = `at://${ada.did}/${TRANSFER}/${transferRkey('AT', seq)}`
  for (const { origin } of network.nodes.slice(0, 2)) {
    await eventually(async () => {
      const view = await anybodyGet<View>(origin, `${TOKENS}.getTransfer`, { uri })
      const isSo = view.status === status && (view.consensus.final ?? false) === isFinal
      check(isSo, `${origin} shows number ${seq} as ${status}, not ${JSON.stringify(view)}`)
    }, SOON_MS)
  }
}

import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import type { Command } from '../../src/commands/command.ts'
import { networkEndorse } from '../../src/commands/network-endorse.ts'
import { networkPlan } from '../../src/commands/network-plan.ts'
import { networkReward } from '../../src/commands/network-reward.ts'
import { nativeCrypto as crypto } from '../../src/crypto/native.ts'
import { p256Signer } from '../../src/crypto/p256.ts'
import type { Identity } from '../../src/identity/identity.ts'
import { encodeRecord } from '../../src/tokens/encoding.ts'
import type { ReadEpoch } from '../../src/tokens/epoch.ts'
import { type Refusal, isRefusal } from '../../src/tokens/refusal.ts'
import { type EpochPlan, planEpoch } from '../../src/tokens/worth/plan-epoch.ts'
import type { Decided } from '../../src/validator/conduct-epoch.ts'
import { gatherEndorsements } from '../../src/validator/gather-endorsements.ts'
import { gatherPlan } from '../../src/validator/gather-plan.ts'
import { eventually } from '../eventually.ts'
import { type Person, anybodyGet } from '../person.ts'
import { runHere } from '../run-here.ts'
import type { TokenNetwork } from './network.ts'

const TOKEN = 1_000_000
/** Of everybody who has an account in tests. */
const PASSWORD = 'a-long-password'

type Cast = {
  readonly network: Pick<TokenNetwork, 'nodes'>
  readonly genesis: ReadEpoch
  /** Vouches, awards karma and is the witness; on the first node. */
  readonly ada: Person
  /** Is rewarded. */
  readonly ben: Person
  /** Governs the ledger and holds the pool; on the first node. */
  readonly governor: Person
  /** Leads the ledger from this epoch into the next. */
  readonly conduct: (before: ReadEpoch, decided: Omit<Decided, 'validators'>) => Promise<ReadEpoch>
}
type State = { readonly seq: number; readonly head?: string; readonly balance: number }

/** From a vouch to a plan, an epoch with its snapshot of persons, an award of karma, the word of a
 *  witness and a reward of one token that is final. Answers the epoch it ends in. */
export async function mintingStory(cast: Cast): Promise<ReadEpoch> {
  const deviceKey = randomBytes(32)
  const { plan, before } = await planned(cast, p256Signer(deviceKey).didKey)
  await planByCommand(cast, plan)
  const { cid, record } = plan.personhood!
  const snapshot = encodeRecord(record)
  const { grants, params } = plan
  const next = await cast.conduct(before, { grants, params, personhood: { cid, record: snapshot } })
  const had = await balanceOf(cast, next)
  await rewarded(cast, next, deviceKey)
  await expect
    .poll(() => balanceOf(cast, next), { timeout: 30_000, interval: 200 })
    .toEqual(had.map((balance) => balance + TOKEN))
  return next
}

/** The plan that follows from the only vouch of the network: ada's for ben. */
async function planned(
  { network, genesis, ada, ben, governor }: Cast,
  deviceKey: string,
): Promise<{ plan: EpochPlan; before: ReadEpoch }> {
  const { origin: node } = network.nodes[0]!
  await ada.create('co.kendev.tokens.vouch', { person: ben.did, createdAt: nowText() })
  const caps = { bucketCaps: [0, 0, 0, 0, 2 * TOKEN, 0], witnesses: 1 }
  const choices = {
    pools: [{ kind: 'karma_reward', amount: 4 * TOKEN, pool: governor.did, ...caps }],
    nodeRewards: { amount: 400 },
    persons: { seeds: [ada.did] },
  } as const
  const resolve = (did: string) =>
    Promise.resolve(did === ada.did ? withDevice(ada.did, deviceKey, node) : undefined)
  const input = await eventually(async () => {
    const at = { now: Date.now(), genesis: genesis.id }
    const found = await gatherPlan({ crypto, fetch, node, resolve }, choices, at)
    if (isRefusal(found)) throw new Error(found.detail)
    expect([...found.vouches]).toHaveLength(1)
    return found
  })
  return { plan: whole(planEpoch(crypto, input)), before: input.before }
}

/** The command comes to the same persons, but for the device key, which no directory has here; so
 *  it takes no pool that needs witnesses. */
async function planByCommand(cast: Cast, plan: EpochPlan): Promise<void> {
  const { network, genesis, ada, governor } = cast
  const { origin: node } = network.nodes[0]!
  const folder = mkdtempSync(join(tmpdir(), 'angelos-plan-'))
  const [choices, out] = [join(folder, 'choices.json'), join(folder, 'plan.json')]
  const pool = governor.did
  const capped = { kind: 'peer_recognition', amount: TOKEN, pool, perRecipientCap: 5 }
  writeFileSync(choices, JSON.stringify({ pools: [capped], persons: { seeds: [ada.did] } }))
  const said = ['--choices', choices, '--out', out, '--node', node, '--genesis', genesis.id]
  const { code, stdout } = await runAt(cast, networkPlan, said)
  expect([code, stdout]).toEqual([0, expect.stringContaining('2, 0 with a key, of 0 clusters')])
  const made = JSON.parse(readFileSync(out, 'utf8')) as Omit<EpochPlan, 'ok' | 'told'>
  const { epoch, ledger, persons } = plan.personhood!.record
  const bare = persons.map(({ did, bucket, cluster }) => ({ did, bucket, cluster }))
  expect(made).toMatchObject({ epoch, grants: [capped], params: plan.params })
  expect(made.personhood!.record).toMatchObject({ epoch, ledger, persons: bare })
  rmSync(folder, { recursive: true })
}

/** Ada awards ben ten points and is the witness; the pool has a draft first, then the reward. */
async function rewarded(cast: Cast, { epoch }: ReadEpoch, deviceKey: Uint8Array): Promise<void> {
  const { network, ada, ben, governor } = cast
  const points = { recipient: ben.did, type: 'helpful_response', points: 10 }
  const content = { ...points, reason: 'A song.', createdAt: nowText() }
  const { uri } = await ada.create('co.kendev.karma.award', content)
  const { origin: node } = network.nodes[0]!
  await eventually(() => anybodyGet(node, 'co.kendev.karma.getAward', { uri }))
  const folder = mkdtempSync(join(tmpdir(), 'angelos-reward-'))
  const [password, key] = [join(folder, 'password'), join(folder, 'key')]
  writeFileSync(password, PASSWORD)
  writeFileSync(key, Buffer.from(deviceKey).toString('hex'))
  const by = (who: Person) => ['--account', who.handle, '--password-file', password]
  const reward = [uri, ...by(governor)]
  // Its author is new here; whoever holds the pool may know better.
  await expect(runAt(cast, networkReward, reward)).rejects.toThrow('does not count')
  const drafted = await runAt(cast, networkReward, [...reward, '--uncounted'])
  expect(drafted).toMatchObject({ code: 1, stdout: expect.stringContaining('0 of 1') as string })
  const number = /number (\d+)/.exec(drafted.stdout)![1]!
  const draft = ['--pool', governor.did, '--number', number, '--key', key]
  const said = await runAt(cast, networkEndorse, [...draft, ...by(ada)])
  expect(said.stdout).toContain(uri)
  const of = { ledger: epoch.ledger!, epoch: epoch.epoch, pool: governor.did, seq: Number(number) }
  await eventually(async () => {
    expect(await gatherEndorsements({ fetch, node }, of)).toHaveLength(1)
  })
  const made = await runAt(cast, networkReward, [...reward, '--uncounted'])
  expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining(ben.did) as string })
  rmSync(folder, { recursive: true })
}

/** Runs a command in this process with the settings of the first node. */
async function runAt({ network }: Cast, command: Command, args: readonly string[]) {
  for (const [name, value] of Object.entries(network.nodes[0]!.env)) vi.stubEnv(name, value)
  try {
    return await runHere(command, args)
  } finally {
    vi.unstubAllEnvs()
  }
}

/** What ben has, by each validator. */
function balanceOf({ ben }: Cast, { epoch }: ReadEpoch): Promise<number[]> {
  return Promise.all(
    epoch.validators.map(async ({ endpoint }) => (await stateOf(endpoint, ben.did)).balance),
  )
}

function stateOf(origin: string, account: string): Promise<State> {
  return anybodyGet<State>(origin, 'co.kendev.tokens.readAccountState', { account })
}

/** An account with a device key in its document. */
function withDevice(did: string, didKey: string, pds: string): Identity {
  const named = { id: '#angel', type: 'Multikey', controller: did }
  const method = { ...named, publicKeyMultibase: didKey.slice('did:key:'.length) }
  return { did, signingKey: didKey, pds, document: { id: did, verificationMethod: [method] } }
}

function whole<T extends { readonly ok: true }>(found: T | Refusal): T {
  if (isRefusal(found)) throw new Error(`${found.reason}: ${found.detail}`)
  return found
}

function nowText(): string {
  return new Date().toISOString()
}

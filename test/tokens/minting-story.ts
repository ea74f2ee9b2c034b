import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { nativeCrypto as crypto } from '../../src/crypto/native.ts'
import { p256Signer } from '../../src/crypto/p256.ts'
import type { Identity } from '../../src/identity/identity.ts'
import { encodeRecord } from '../../src/tokens/encoding.ts'
import type { Epoch, ReadEpoch } from '../../src/tokens/epoch.ts'
import { poolsOf } from '../../src/tokens/grants.ts'
import { type Refusal, isRefusal } from '../../src/tokens/refusal.ts'
import type { Transfer } from '../../src/tokens/transfer.ts'
import {
  type Draft,
  ENDORSEMENT,
  witness,
  withWitnesses,
} from '../../src/tokens/worth/endorsement.ts'
import { type EpochPlan, planEpoch } from '../../src/tokens/worth/plan-epoch.ts'
import { draftReward, karmaReward } from '../../src/tokens/worth/reward.ts'
import type { Decided } from '../../src/validator/conduct-epoch.ts'
import { gatherEndorsements } from '../../src/validator/gather-endorsements.ts'
import { gatherPlan } from '../../src/validator/gather-plan.ts'
import { pinnedPersons } from '../../src/validator/open-validator.ts'
import { eventually } from '../eventually.ts'
import { type Person, anybodyGet } from '../person.ts'
import { runCommand } from '../run-command.ts'
import type { TokenNetwork } from './network.ts'
import { payments } from './payments.ts'

const TOKEN = 1_000_000

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
  const device = p256Signer()
  const { plan, before } = await planned(cast, device.didKey)
  await planByCommand(cast, plan)
  const { cid, record } = plan.personhood!
  const snapshot = encodeRecord(record)
  const { grants, params } = plan
  const next = await cast.conduct(before, { grants, params, personhood: { cid, record: snapshot } })
  const draft = await award(cast, next.epoch)
  const { account, transfer } = draft
  // The draft may stand in the pool's repo: it moves nothing, and its number stays free.
  expect(await certified(cast, next, transfer)).toMatchObject({ reason: 'WitnessesMissing' })
  const by = { did: cast.ada.did, signer: device, now: nowText() }
  const word = witness(crypto, draft, by)
  await cast.ada.create(ENDORSEMENT, JSON.parse(JSON.stringify(word)) as never)
  const { ledger, epoch, seq } = transfer
  const words = await eventually(async () => {
    const from = { fetch, node: cast.network.nodes[0]!.origin }
    const found = await gatherEndorsements(from, { ledger, epoch, pool: account, seq })
    expect(found).toHaveLength(1)
    return found
  })
  const persons = pinnedPersons(crypto, next.epoch, snapshot)
  if (isRefusal(persons)) throw new Error(persons.detail)
  const current = { persons, pools: poolsOf(next.epoch.grants) }
  const made = whole(withWitnesses(crypto, current, draft, words))
  const had = await balanceOf(cast, next)
  expect(await certified(cast, next, made.transfer)).toMatchObject({ status: 'final' })
  expect(await balanceOf(cast, next)).toEqual(had.map((balance) => balance + TOKEN))
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
async function planByCommand({ network, genesis, ada, governor }: Cast, plan: EpochPlan) {
  const [{ origin: node, env }] = network.nodes as [TokenNetwork['nodes'][number]]
  const folder = mkdtempSync(join(tmpdir(), 'angelos-plan-'))
  const [choices, out] = [join(folder, 'choices.json'), join(folder, 'plan.json')]
  const pool = governor.did
  const capped = { kind: 'peer_recognition', amount: TOKEN, pool, perRecipientCap: 5 }
  writeFileSync(choices, JSON.stringify({ pools: [capped], persons: { seeds: [ada.did] } }))
  const said = ['--choices', choices, '--out', out, '--node', node, '--genesis', genesis.id]
  const settings = { ANGELOS_PLC_URL: env['ANGELOS_PLC_URL']! }
  const { code, stdout } = await runCommand(['network', 'plan', ...said], settings)
  expect([code, stdout]).toEqual([0, expect.stringContaining('2, 0 with a key, of 0 clusters')])
  const made = JSON.parse(readFileSync(out, 'utf8')) as Omit<EpochPlan, 'ok' | 'told'>
  const { epoch, ledger, persons } = plan.personhood!.record
  const bare = persons.map(({ did, bucket, cluster }) => ({ did, bucket, cluster }))
  expect(made).toMatchObject({ epoch, grants: [capped], params: plan.params })
  expect(made.personhood!.record).toMatchObject({ epoch, ledger, persons: bare })
  rmSync(folder, { recursive: true })
}

/** Ada awards ben ten points: the reward of a token, as the pool drafts it. */
async function award({ network, ada, ben, governor }: Cast, epoch: Epoch): Promise<Draft> {
  const points = { recipient: ben.did, type: 'helpful_response', points: 10 }
  const content = { ...points, reason: 'A song.', createdAt: nowText() }
  const given = await ada.create('co.kendev.karma.award', content)
  const account = governor.did
  const last = await stateOf(network.nodes[0]!.origin, account)
  const place = { ledger: epoch.ledger!, epoch: epoch.epoch, now: nowText() }
  return { account, transfer: draftReward(place, last, karmaReward({ ...points, ...given })) }
}

async function certified({ network, genesis, governor }: Cast, epoch: ReadEpoch, made: Transfer) {
  const pool = payments(network, governor)
  const [{ to, amount }] = made.credits as [Transfer['credits'][number]]
  return pool.certify(epoch, await pool.write(to, amount, { genesis, epoch }, made))
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

import { fromBytes } from '@atcute/cbor'
import type { Account } from '../../src/tokens/account.ts'
import { checkCertificate } from '../../src/tokens/certificate.ts'
import { cidBytes, encodeRecord } from '../../src/tokens/encoding.ts'
import { EPOCH, type Epoch, committeeOf, readEpoch, signEpoch } from '../../src/tokens/epoch.ts'
import type { Grant } from '../../src/tokens/grants.ts'
import { quorumOf } from '../../src/tokens/quorum.ts'
import { isRefusal } from '../../src/tokens/refusal.ts'
import { openEpoch } from '../../src/tokens/settle.ts'
import { type ReadTransfer, readTransfer } from '../../src/tokens/transfer.ts'
import { createDirectory } from './directory.ts'
import { createNetwork } from './network.ts'
import { createOracle } from './oracle.ts'
import type { Plan } from './plan.ts'
import { personsOf, poolGrants } from './pools.ts'
import { seededRandom } from './random.ts'
import type { CryptoSuite } from './stub-crypto.ts'
import { type Certified, type World, didOf, instantOf } from './world.ts'

/** When every run begins. */
export const START = Date.parse('2026-11-28T12:00:00.000Z')
const LETTERS = 'abcdefghijklmnop'

/** DIDs by what they do. */
export type Cast = {
  readonly validators: readonly string[]
  readonly payers: readonly string[]
}

/** Who is in a run. */
export function castOf(plan: Plan): Cast {
  const named = (what: string, count: number): string[] =>
    Array.from({ length: count }, (_, at) => didOf(`${what} ${LETTERS[at]}`))
  return { validators: named('validator', plan.size), payers: named('payer', plan.payers) }
}

/** Others than payers that have funds of their own. */
export const CROOKS = ['twin a', 'twin b', 'hider', 'crook', 'forger', 'keyless', 'mover'].map(
  didOf,
)

function grantsOf({ payers }: Cast): Grant[] {
  const funds = (to: string, amount: number): Grant => ({ kind: 'system_grant', to, amount })
  return [
    ...payers.map((did, at) => funds(did, at % 2 === 0 ? 20_000_000 : 60_000)),
    ...CROOKS.map((did) => funds(did, 30_000_000)),
    ...poolGrants(),
  ]
}

/** The first epoch. */
function firstEpoch(plan: Plan, cast: Cast, keyOf: (did: string) => string): Epoch {
  const endpoint = 'http://localhost:2583'
  return {
    $type: EPOCH,
    epoch: 0,
    code: 'AT',
    scale: 6,
    supplyCap: 9_000_000_000_000_000,
    governance: didOf('governance'),
    validators: cast.validators.map((did) => ({ did, key: keyOf(did), endpoint })),
    quorum: quorumOf(plan.size),
    grants: grantsOf(cast),
    params: {
      splits: [
        {
          name: 'work',
          legs: [
            { role: 'maker', basisPoints: 1_500 },
            { role: 'fund', basisPoints: 8_500 },
          ],
          residual: 'fund',
        },
      ],
      feeAccount: didOf('fees'),
      feeBasisPoints: 50,
      feeMinimum: 1_000,
      holdHours: 72,
      noAngelKeyLimit: 10_000_000,
      maxSkewSeconds: 300,
    },
    createdAt: instantOf(START),
    signatures: [],
  }
}

/** A world before anything happens, and what its first epoch opens with. */
export function foundWorld(
  plan: Plan,
  cast: Cast,
  suite: CryptoSuite,
): {
  readonly world: World
  readonly opening: ReadonlyMap<string, Account>
  met: Map<number, number>
} {
  const { seed } = plan
  const random = (name: string) => seededRandom(seed, name)
  const chance = random('network')
  const net = createNetwork(chance, START, {
    drop: plan.has('loss') ? 0.02 + chance.next() * 0.15 : 0,
    duplicate: plan.has('duplicates') ? 0.05 + chance.next() * 0.2 : 0,
    delayMax: plan.has('delays') ? 200 + chance.below(1_500) : 60,
  })
  const persons = personsOf((name) => suite.signer(name).didKey, cast.payers)
  const reread = memoRead(suite)
  const read = (account: string, record: Uint8Array): ReadTransfer => {
    const found = reread(account, record)
    if (!found) throw new Error(`a record of ${account} that cannot be read was kept`)
    return found
  }
  const met = new Map<number, number>()
  const count = (scenario: number) => void met.set(scenario, (met.get(scenario) ?? 0) + 1)
  const oracle = createOracle({ read, persons, lagging: () => count(27) })
  // Where keys stay, a signature of a closed epoch is one of a key that still counts.
  const signerOf = (did: string, epoch: number) =>
    suite.signer(plan.has('rotations') ? `${did} of ${epoch}` : did)
  const record = encodeRecord(firstEpoch(plan, cast, (did) => signerOf(did, 0).didKey))
  const genesis = readEpoch(suite.crypto, record)
  if (isRefusal(genesis)) throw new Error(`${genesis.reason}: ${genesis.detail}`)
  const opening = openEpoch([], genesis.epoch.grants)
  const chain = [{ read: genesis, bytes: record, seals: [] }]
  const liars = new Set(cast.validators.slice(-plan.liars || plan.size))
  const world: World = {
    plan,
    suite,
    net,
    oracle,
    directory: createDirectory(suite),
    persons,
    random,
    nodes: new Map(),
    liars: plan.liars === 0 ? new Set() : liars,
    signerOf,
    chain,
    credits: new Map(),
    finals: [],
    hidden: [],
    isTroubled: true,
    active: [...cast.payers, ...CROOKS, ...poolGrants().map(({ pool }) => pool!)],
    isGood: memoGood(suite, chain),
    read,
    reread,
    signProposal: (did, bytes) => signAny(world, did, bytes),
    paid: () => undefined,
    credit(to, certified) {
      const known = world.credits.get(to) ?? []
      world.credits.set(to, known)
      known.push(certified)
    },
    met: count,
  }
  const { epoch, id } = genesis
  oracle.published({ epoch, id, liars: plan.liars, opening })
  return { world, opening, met }
}

/** Bytes are the same bytes each time they are read. */
function memoRead({ crypto }: CryptoSuite) {
  const known = new WeakMap<Uint8Array, ReadTransfer>()
  return (account: string, record: Uint8Array): ReadTransfer | undefined => {
    const before = known.get(record)
    if (before?.account === account) return before
    const found = readTransfer(crypto, account, record)
    if (isRefusal(found)) return undefined
    known.set(record, found)
    return found
  }
}

function memoGood({ crypto }: CryptoSuite, chain: World['chain']) {
  const known = new WeakMap<object, boolean>()
  return ({ read, certificate }: Certified): boolean => {
    const before = known.get(certificate)
    const names = certificate.phase === 'lock' && certificate.transfer === read.id
    if (before !== undefined) return before && names
    const epoch = chain[certificate.epoch]
    if (!epoch) return false
    const good = !isRefusal(checkCertificate(crypto, certificate, committeeOf(epoch.read)))
    known.set(certificate, good)
    return good && names
  }
}

function signAny(world: World, did: string, bytes: Uint8Array): Uint8Array {
  const next = readEpoch(world.suite.crypto, bytes)
  if (isRefusal(next)) return world.signerOf(did, 0).sign(cidBytes(world.chain[0]!.read.id))
  const signer = world.signerOf(did, next.epoch.epoch - 1)
  return fromBytes(signEpoch(signer, did, next.id).signature)
}

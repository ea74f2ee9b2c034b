import { systemClock } from '../src/clock.ts'
import { nativeCrypto as crypto } from '../src/crypto/native.ts'
import { decideCertificate } from '../src/tokens/apply.ts'
import {
  type Attestation,
  attest,
  attestationBytes,
  checkAttestation,
  makeBatch,
} from '../src/tokens/attestation.ts'
import { type Certificate, assemble, readCertificate } from '../src/tokens/certificate.ts'
import { encodeRecord } from '../src/tokens/encoding.ts'
import { committeeOf } from '../src/tokens/epoch.ts'
import { seenSignatures } from '../src/tokens/seen-signatures.ts'
import { decideOrder } from '../src/tokens/submit.ts'
import { checkSpend, readTransfer } from '../src/tokens/transfer.ts'
import type { Answer } from '../src/tokens/validator.ts'
import { inRepoOf } from '../src/validator/in-repo.ts'
import { NOON, type Town, attested, foundTown } from '../test/tokens/town.ts'
import { median } from './paired.ts'
import type { Figure } from './result.ts'
import { OPENING, type Proven, type Spender, spendersOf, walletsOf } from './token-spenders.ts'

const COUNT = 256
const ROUNDS = 9

/** A step that a validator takes for a transfer, done for each of 256; `at` says for which. */
type Step = readonly [name: string, run: (at: number) => unknown]

/** What each step of a validator of four costs by itself, µs of CPU for a transfer: all steps in
 *  turn, the median of the rounds. Each must succeed. */
export async function stepFigures(report: (line: string) => void): Promise<Figure[]> {
  const spenders = spendersOf(COUNT)
  const steps = [
    ...(await orderSteps(spenders)),
    ...(await certificateSteps(spenders, { batched: false })),
    ...(await certificateSteps(spenders, { batched: true })),
  ]
  const costs = steps.map((): number[] => [])
  // The first rounds are for the compiler.
  for (let round = -2; round < ROUNDS; round += 1) {
    for (const [index, step] of steps.entries()) {
      const cost = costOf(step)
      if (round >= 0) costs[index]!.push(cost)
    }
  }
  return steps.map(([name], index) => {
    const us = Number(median(costs[index]!).toFixed(1))
    report(`${name}: ${us} µs`)
    const alone = { goal: null, reference: null, ratio: null }
    return { bench: `tokens step: ${name}`, ...alone, ours: us, unit: 'µs of CPU' }
  })
}

function costOf([name, run]: Step): number {
  const begun = process.cpuUsage()
  for (let at = 0; at < COUNT; at += 1) {
    if (run(at) === false) throw new Error(`${name} failed`)
  }
  const { user, system } = process.cpuUsage(begun)
  return (user + system) / COUNT
}

async function found(spenders: readonly Spender[], batched: boolean) {
  const grants = spenders.map(({ payer: { did } }) => {
    return { kind: 'system_grant' as const, amount: OPENING, to: did }
  })
  const town = await foundTown(4, grants, { batched })
  const group = walletsOf(town.genesis, spenders).map((wallet) => wallet.next(1)[0]!)
  const { store, validator } = town.members[0]!
  const base = await store.load({ accounts: [], numbers: [], mints: [] })
  return { town, group, view: { ...base, current: validator.current() } }
}

async function orderSteps(spenders: readonly Spender[]): Promise<Step[]> {
  const { group, view } = await found(spenders, false)
  const proofs = spenders.map(({ identity }) => inRepoOf(identity, 'AT', systemClock))
  return [
    [
      'a transfer read, its shape checked, its id made',
      (at) => readTransfer(crypto, group[at]!.order.account, group[at]!.order.bytes).ok,
    ],
    [
      'its spend signature checked, P-256',
      (at) => checkSpend(crypto, group[at]!.order, group[at]!.order.senderKey) === undefined,
    ],
    [
      'its place in the repo checked: commit of k256, way through the tree, record',
      (at) => proofs[at]!(group[at]!.submission, { seq: 1, atproto: '' }) === undefined,
    ],
    ['an order decided', (at) => decideOrder(crypto, view, group[at]!.order, NOON).answer.ok],
  ]
}

async function certificateSteps(
  spenders: readonly Spender[],
  { batched }: { readonly batched: boolean },
): Promise<Step[]> {
  const { town, group, view } = await found(spenders, batched)
  const [own, ...others] = await votesOf(town, group)
  const certificates = group.map((_, at) => certificateOf([own!, ...others], at))
  const bytes = certificates.map(encodeRecord)
  const subjects = certificates.map(({ attestations: _, ...about }) => about)
  const { keys } = committeeOf(town.genesis)
  const { did, signer } = town.members[0]!
  const seen = seenSignatures()
  for (const answer of own!) seen.signed(attested(answer).about, attested(answer).attestation)
  const votes = others[0]!.map((answer) => attested(answer).attestation)
  const check = (by: Attestation, at: number) => {
    const known = { key: keys.get(by.validator)!, checked: seen.checked }
    return checkAttestation(crypto, subjects[at]!, by, known) === undefined
  }
  const by = (at: number) => ({
    validator: did,
    senderKey: group[at]!.order.senderKey,
    observedAt: NOON,
  })
  const entries = subjects.map((about, at) => ({ about, by: by(at) }))
  const how = batched ? 'in a batch of 255' : 'alone'
  const signing: Step[] = batched
    ? [
        [
          'votes made a batch of 256 and signed, for each',
          (at) => at > 0 || makeBatch(crypto, { number: 1 }, entries).sign(signer) !== undefined,
        ],
      ]
    : [
        [
          'what a vote says encoded and hashed',
          (at) => void attestationBytes(crypto, subjects[at]!, by(at)),
        ],
        ['a vote signed alone', (at) => void attest(crypto, signer, subjects[at]!, by(at))],
      ]
  return [
    ...signing,
    [`a certificate of three votes read, ${how}`, (at) => readCertificate(bytes[at]!).ok],
    [`a vote of another checked, ${how}`, (at) => check(votes[at]!, at)],
    [
      `a vote of its own known again, ${how}`,
      (at) => seen.isOwn(subjects[at]!, attested(own![at]!).attestation),
    ],
    [
      `a certificate decided and applied, ${how}`,
      (at) => {
        const { order: transfer } = group[at]!
        const proven = { transfer, certificate: certificates[at]!, senderKey: transfer.senderKey }
        return decideCertificate(view, proven, NOON).answer.ok
      },
    ],
    [`a certificate encoded, ${how}`, (at) => encodeRecord(certificates[at]!).length > 0],
  ]
}

function votesOf({ members }: Town, group: readonly Proven[]): Promise<Answer[][]> {
  const three = members.slice(0, 3)
  return Promise.all(
    three.map(({ validator }) => Promise.all(group.map(({ order }) => validator.submit(order)))),
  )
}

function certificateOf(votes: readonly Answer[][], at: number): Certificate {
  const found = votes.map((of) => attested(of[at]!))
  return assemble(
    found[0]!.about,
    found.map(({ attestation }) => attestation),
  )
}

import { fromBytes, toBytes } from '@atcute/cbor'
import { type Certificate, assemble } from '../../src/tokens/certificate.ts'
import { encodeRecord } from '../../src/tokens/encoding.ts'
import { committeeOf, epochId, signEpoch } from '../../src/tokens/epoch.ts'
import { type Proof, verifyProof } from '../../src/tokens/light-client.ts'
import { isIncluded } from '../../src/tokens/merkle.ts'
import { settledLeaf, settledTree } from '../../src/tokens/state-root.ts'
import { quorumOf } from '../../src/tokens/quorum.ts'
import type { Random } from './random.ts'
import { subjectOf, voteOf } from './votes.ts'
import { type Certified, type World, didOf, headOf } from './world.ts'

/** The proof of a transfer as anybody can put it together from what is published. */
function proofOf(world: World, { read, certificate }: Certified): Proof {
  const epochs = world.chain.map(({ bytes }) => bytes)
  const { before } = world.chain[read.transfer.epoch + 1] ?? {}
  const proof = {
    epochs,
    account: read.account,
    transfer: read.bytes,
    certificate: encodeRecord(certificate),
  }
  if (!before) return proof
  const tree = settledTree(world.suite.crypto, before.settled)
  const index = tree.sorted.findIndex(({ transfer }) => transfer === read.id)
  if (index < 0) return proof
  return { ...proof, settled: { index, path: tree.path(index).map(toBytes) } }
}

type Lie = readonly [
  name: string,
  scenario: number,
  make: (world: World, honest: Certified, proof: Proof, random: Random) => Proof | undefined,
]

const certificateOf = (proof: Proof, certificate: Certificate): Proof => ({
  ...proof,
  certificate: encodeRecord(certificate),
})

const LIES: readonly Lie[] = [
  [
    'one vote too few',
    40,
    (world, { certificate }, proof) => {
      const { quorum } = world.chain[certificate.epoch]!.read.epoch
      const attestations = certificate.attestations.slice(0, quorum - 1)
      return certificateOf(proof, { ...certificate, attestations })
    },
  ],
  [
    'one vote twice',
    40,
    (world, { certificate }, proof) => {
      const { quorum } = world.chain[certificate.epoch]!.read.epoch
      const some = certificate.attestations.slice(0, quorum - 1)
      return certificateOf(proof, { ...certificate, attestations: [...some, some[0]!] })
    },
  ],
  [
    'another first epoch',
    40,
    (_, __, { epochs, ...proof }) =>
      epochs.length < 2 ? undefined : { ...proof, epochs: epochs.slice(1) },
  ],
  [
    'an epoch left out',
    40,
    (_, __, { epochs, ...proof }) =>
      epochs.length < 3 ? undefined : { ...proof, epochs: [epochs[0]!, ...epochs.slice(2)] },
  ],
  [
    'an epoch with a signature too few',
    40,
    (world, _, { epochs, ...proof }) => {
      const { epoch } = headOf(world).read
      if (epoch.epoch === 0) return undefined
      const { quorum } = world.chain[epoch.epoch - 1]!.read.epoch
      const signatures = epoch.signatures.slice(0, quorum - 1)
      return { ...proof, epochs: [...epochs.slice(0, -1), encodeRecord({ ...epoch, signatures })] }
    },
  ],
  ['an epoch of strangers', 40, (world, honest, proof) => usurped(world, honest, proof)],
  [
    'no way to the settled root',
    42,
    (_, { read }, { settled, ...proof }) =>
      settled && read.transfer.epoch < proof.epochs.length - 1 ? proof : undefined,
  ],
  [
    'the way of another',
    41,
    (world, { read }, proof) => {
      const count = world.chain[read.transfer.epoch + 1]?.before?.settled.length ?? 0
      if (!proof.settled || count < 2) return undefined
      const { index, path } = proof.settled
      return { ...proof, settled: { index: (index + 1) % count, path } }
    },
  ],
  ['another account', 40, (_, __, proof) => ({ ...proof, account: didOf('auditor') })],
  [
    'leaked keys of a closed epoch',
    32,
    (world, { read }, proof) => {
      const { epoch } = read.transfer
      if (epoch >= headOf(world).read.epoch.epoch) return undefined
      const signers = [...committeeOf(world.chain[epoch]!.read).keys.keys()]
      const content = { ...read.transfer, credits: [{ to: didOf('thief'), amount: 1_000_000 }] }
      const account = didOf('auditor')
      const about = { ...subjectOf(world, 'apply', read), account }
      const forged = world.reread(account, encodeRecord(content))
      if (!forged) return undefined
      const subject = { ...about, transfer: forged.id }
      const votes = signers.map((did) => voteOf(world, subject, did))
      const record = encodeRecord(content)
      return certificateOf({ ...proof, account, transfer: record }, assemble(subject, votes))
    },
  ],
]

/** A chain that goes on with an epoch which strangers have signed, and their certificate in it. */
function usurped(world: World, { read }: Certified, proof: Proof): Proof | undefined {
  const { read: last } = headOf(world)
  if (!last.epoch.handover) return undefined
  const names = Array.from({ length: last.epoch.quorum }, (_, at) => `stranger ${'abcdefghi'[at]}`)
  const validators = names.map((name) => {
    const { didKey: key } = world.suite.signer(name)
    return { did: didOf(name), key, endpoint: 'http://localhost:1' }
  })
  const content = {
    ...last.epoch,
    epoch: last.epoch.epoch + 1,
    prev: last.id,
    validators,
    quorum: quorumOf(validators.length),
    grants: [],
  }
  const id = epochId(world.suite.crypto, content)
  const signatures = names.map((name) => signEpoch(world.suite.signer(name), didOf(name), id))
  const epoch = { ...content, signatures }
  return read ? { ...proof, epochs: [...proof.epochs, encodeRecord(epoch)] } : undefined
}

/** Somebody with nothing but the id of the first epoch, who is shown proofs, true and false. */
export function startAuditor(world: World): void {
  const { net, oracle } = world
  const random = world.random('auditor')
  const genesis = world.chain[0]!.read.id
  const look = (): void => {
    const honest = world.finals.length > 0 ? random.pick(world.finals) : undefined
    if (honest) audit(world, honest, random)
    const hidden = world.hidden.at(-1)
    if (!hidden) return
    const proof = proofOf(world, hidden)
    const found = verifyProof(world.suite.crypto, genesis, proof)
    const isSettled = proof.settled !== undefined
    if (found.ok !== isSettled)
      oracle.breach('I13: a certificate of a closed epoch is judged wrong')
  }
  const step = (): void => {
    net.after(random.between(3_000, 6_000), 'auditor', 'looks', step)
    look()
  }
  net.after(random.below(6_000), 'auditor', 'looks', step)
}

/** Shows an auditor a true proof, which must be taken, and a false one. */
export function audit(world: World, honest: Certified, random: Random): void {
  const { oracle } = world
  const { crypto } = world.suite
  const genesis = world.chain[0]!.read.id
  const proof = proofOf(world, honest)
  const found = verifyProof(crypto, genesis, proof)
  if (!found.ok || found.status !== 'final') {
    const why = found.ok ? found.status : `${found.reason} ${found.detail}`
    oracle.breach(`I13: a final transfer is refused: ${why}`)
  }
  if (proof.settled) checkPlaces(world, honest, proof)
  const [name, scenario, make] = random.pick(LIES)
  const lie = make(world, honest, proof, random)
  if (!lie) return
  world.met(scenario)
  if (verifyProof(crypto, genesis, lie).ok) oracle.breach(`I13: taken for a proof: ${name}`)
}

/** A node of the tree is no leaf, and no leaf stands in two places. */
function checkPlaces(world: World, { read }: Certified, { settled }: Proof): void {
  const { handover } = world.chain[read.transfer.epoch + 1]!.read.epoch
  if (!handover || !settled || settled.path.length < 2) return
  world.met(41)
  const { crypto } = world.suite
  const { account, transfer, id } = read
  const leaf = settledLeaf({ account, seq: transfer.seq, transfer: id })
  const path = settled.path.map(fromBytes)
  const [beside, ...rest] = path
  const own = crypto.sha256(Uint8Array.of(0, ...leaf))
  const pair = settled.index % 2 === 0 ? [own, beside!] : [beside!, own]
  const node = Uint8Array.of(...pair[0]!, ...pair[1]!)
  const count = Math.ceil(handover.settledCount / 2)
  const root = fromBytes(handover.settledRoot)
  const proof = { data: node, index: settled.index >> 1, count, path: rest, root }
  if (isIncluded(crypto, proof)) world.oracle.breach('a node of a tree is taken for a leaf')
}

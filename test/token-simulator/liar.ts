import { type Attestation, type Subject, makeBatch } from '../../src/tokens/attestation.ts'
import { committeeOf } from '../../src/tokens/epoch.ts'
import { isRefusal, refuse } from '../../src/tokens/refusal.ts'
import { sealBytes, sealEpoch } from '../../src/tokens/seal.ts'
import { type ReadTransfer, readTransfer } from '../../src/tokens/transfer.ts'
import { garbled, subjectOf, voteOf } from './votes.ts'
import { type Certified, type Node, type Reply, type World, headOf, instantOf } from './world.ts'

/** A validator that votes for whatever it is shown, says what it has not done, keeps silent, sends
 *  chance or another's signature, and leaves out of its seal what it likes. */
export function createLiar(world: World, did: string): Node {
  const random = world.random(`liar ${did}`)
  const seen = new Map<string, Certified>()
  const others: Attestation[] = []
  const skew = world.plan.has('skew') ? random.pick([-600_000, 600_000]) : 0
  if (skew !== 0) world.met(16)
  const answer = (read: ReadTransfer, phase: 'lock' | 'apply', reply: Reply | undefined): void => {
    if (!reply || read.transfer.epoch >= world.chain.length) return
    const about = subjectOf(world, phase, read)
    const mood = random.next()
    const alone = voteOf(world, about, did, { at: world.net.now + skew })
    const isBatched = world.plan.has('batches') && random.chance(0.7)
    const honest = isBatched ? inBatch(world, did, about, alone) : alone
    if (mood < 0.6) reply({ ok: true, about, attestation: honest })
    else if (mood < 0.7) {
      reply({ ok: true, about, attestation: garbled(honest, random.below(256)) })
      world.met(4)
    } else if (mood < 0.8 && others.length > 0) {
      const { signature } = random.pick(others)
      reply({ ok: true, about, attestation: { ...honest, signature } })
      world.met(5)
    } else if (mood < 0.9) reply(refuse('InsufficientFunds', 'says a liar'))
  }
  return {
    did,
    order({ account, record }, reply) {
      const read = readTransfer(world.suite.crypto, account, record)
      if (!isRefusal(read)) answer(read, 'lock', reply)
      return Promise.resolve()
    },
    certificate(certified, reply) {
      const { read, certificate } = certified
      if (world.isGood(certified)) seen.set(read.id, certified)
      others.push(...certificate.attestations.slice(0, 1))
      answer(read, 'apply', reply)
      return Promise.resolve()
    },
    pull(account, from, give) {
      if (random.chance(0.5)) return
      const found = [...seen.values()].filter(
        ({ read }) => read.account === account && read.transfer.seq >= from,
      )
      if (found.length > 0) give(found.slice(0, 3))
    },
    catchUp: () => undefined,
    drain: () => Promise.resolve(),
    seal(epoch, give) {
      const committee = committeeOf(headOf(world).read)
      if (epoch !== committee.epoch) return Promise.resolve()
      if (random.chance(0.2)) return Promise.resolve()
      const now = [...seen.values()].filter(({ read }) => read.transfer.epoch === committee.epoch)
      const kept = now.filter(() => random.chance(0.6))
      if (now.some((one) => !kept.includes(one) && world.oracle.isFinal(one.read))) world.met(30)
      const transfers = kept.map(({ read }) => ({
        account: read.account,
        seq: read.transfer.seq,
        transfer: read.id,
      }))
      const signer = world.signerOf(did, committee.epoch)
      const said = random.chance(0.1) ? transfers.slice(1) : transfers
      const { seal } = sealEpoch(world.suite.crypto, signer, {
        committee,
        validator: did,
        transfers: said,
        participation: [],
        now: instantOf(world.net.now),
      })
      const isFalse = said.length !== transfers.length
      give({ bytes: sealBytes(seal), transfers, certified: kept, isFalse })
      return Promise.resolve()
    },
    propose({ bytes }, give) {
      if (random.chance(0.8)) give(world.signProposal(did, bytes))
      return Promise.resolve()
    },
    epoch: () => headOf(world).read.epoch.epoch,
    enter: () => Promise.resolve(),
  }
}

/** The same vote in a batch with one of another time. */
function inBatch(world: World, did: string, about: Subject, by: Attestation): Attestation {
  const other = { ...by, observedAt: instantOf(world.net.now + 1) }
  const batch = makeBatch(world.suite.crypto, { number: 1 }, [
    { about, by },
    { about, by: other },
  ])
  return batch.sign(world.signerOf(did, about.epoch)).attestations[0]!
}

import { toBytes } from '@atcute/cbor'
import type { Account } from '../../src/tokens/account.ts'
import { cidBytes, encodeRecord } from '../../src/tokens/encoding.ts'
import { type Epoch, type EpochSignature, committeeOf, readEpoch } from '../../src/tokens/epoch.ts'
import { concludeEpoch } from '../../src/tokens/handover.ts'
import { isRefusal } from '../../src/tokens/refusal.ts'
import { readSeal } from '../../src/tokens/seal.ts'
import { type Outcome, openEpoch } from '../../src/tokens/settle.ts'
import type { Settled } from '../../src/tokens/state-root.ts'
import { isSound } from './sound-seal.ts'
import {
  type Certified,
  type Published,
  type World,
  headOf,
  instantOf,
  membersOf,
} from './world.ts'

/** A seal with what it stands for. */
export type SealBundle = {
  readonly bytes: Uint8Array
  readonly transfers: readonly Settled[]
  readonly certified: readonly Certified[]
  /** Its maker has sealed something else. */
  readonly isFalse?: boolean
}

/** A next epoch that still needs signatures. */
export type Proposal = {
  readonly bytes: Uint8Array
  readonly seals: readonly SealBundle[]
}

type Try = {
  readonly proposal: Proposal
  readonly epoch: Epoch
  readonly id: string
  readonly outcome: Outcome
  readonly signatures: Map<string, EpochSignature>
}

const RETRY_MS = 700

/** What governance does in a run. */
export type Governance = {
  /** Begins to end the epoch. */
  endEpoch(): void
  /** Whether an epoch is about to end. */
  readonly isBusy: boolean
  /** Whether it waits for signatures that cannot come any more. */
  readonly isStuck: boolean
}

/** The content of the next epoch beside its handover. */
export type NextContent = (variant: number) => Pick<Epoch, 'validators' | 'quorum' | 'grants'>

/** Ends epochs: has validators drain, seal, and sign what follows. `rivals` signs two proposals at
 *  once now and then. */
export function createGovernance(
  world: World,
  parts: {
    readonly next: NextContent
    /** What the newest epoch has opened with. */
    readonly opening: () => ReadonlyMap<string, Account>
    /** A validator is new in the committee. */
    readonly joined: (did: string) => void
  },
): Governance {
  const { net, suite, oracle } = world
  const me = 'governance'
  let stage: 'idle' | 'draining' | 'sealing' | 'signing' = 'idle'
  let seals = new Map<string, { bundle: SealBundle; cid: string; validator: string }>()
  let tries: Try[] = []
  let since = 0
  const random = world.random(me)
  const tell = (what: string, act: (did: string) => Promise<void>): void => {
    for (const did of membersOf(world)) net.send(me, did, what, () => act(did))
  }
  const back = (did: string, what: string, act: () => void): void => net.send(did, me, what, act)

  const takeSeal = (bundle: SealBundle): void => {
    const committee = committeeOf(headOf(world).read)
    const read = readSeal(suite.crypto, bundle.bytes, committee)
    if (isRefusal(read) || !isSound(world, bundle)) return
    if (stage !== 'sealing' || seals.has(read.seal.validator)) return
    seals.set(read.seal.validator, { bundle, cid: read.cid, validator: read.seal.validator })
  }
  const propose = (variant: number): Try | undefined => {
    const { read } = headOf(world)
    const committee = committeeOf(read)
    const chosen = random
      .shuffled([...seals.values()])
      .slice(0, random.between(committee.quorum, seals.size))
    const sets = chosen.map(({ bundle, cid, validator }) => {
      const found = readSeal(suite.crypto, bundle.bytes, committee)
      if (isRefusal(found)) throw new Error(`the seal of ${validator} is none`)
      return { seal: found.seal, cid, transfers: bundle.transfers }
    })
    const known = new Map(chosen.flatMap(({ bundle }) => bundle.certified.map(byId)))
    const opening = parts.opening()
    const ending = { epoch: read.epoch, committee, opening, seals: sets }
    const outcome = concludeEpoch(suite.crypto, { ...ending, certified: (id) => known.get(id) })
    if (isRefusal(outcome)) {
      oracle.breach(`I14: the epoch cannot end: ${outcome.reason} ${outcome.detail}`)
      return undefined
    }
    const content: Omit<Epoch, 'signatures'> = {
      ...read.epoch,
      ...parts.next(variant),
      ledger: committee.ledger,
      epoch: read.epoch.epoch + 1,
      prev: read.id,
      handover: { seals: sets.map(sealName), ...outcome.roots },
      createdAt: instantOf(net.now),
    }
    const bytes = encodeRecord({ ...content, signatures: [] })
    const next = readEpoch(suite.crypto, bytes)
    if (isRefusal(next)) throw new Error(`${next.reason}: ${next.detail}`)
    const proposal = { bytes, seals: chosen.map(({ bundle }) => bundle) }
    return { proposal, epoch: next.epoch, id: next.id, outcome, signatures: new Map() }
  }
  const publish = (done: Try): void => {
    const epoch = { ...done.epoch, signatures: [...done.signatures.values()] }
    const bytes = encodeRecord(epoch)
    const read = readEpoch(suite.crypto, bytes)
    if (isRefusal(read)) throw new Error(`${read.reason}: ${read.detail}`)
    const published: Published = { read, bytes, seals: done.proposal.seals, before: done.outcome }
    world.chain.push(published)
    const liars = epoch.validators.filter(({ did }) => world.liars.has(did)).length
    const opening = openEpoch(done.outcome.accounts.values(), epoch.grants)
    oracle.published({ epoch, id: read.id, liars, opening, ended: done.outcome })
    for (const { did } of epoch.validators) if (!world.nodes.has(did)) parts.joined(did)
    ;[stage, seals, tries] = ['idle', new Map(), []]
  }
  const takeSignature = (one: Try, validator: string, signature: Uint8Array): void => {
    if (stage !== 'signing' || !tries.includes(one)) return
    const committee = committeeOf(headOf(world).read)
    const key = committee.keys.get(validator)
    const check = { didKey: key ?? '', bytes: cidBytes(one.id), signature }
    if (key === undefined || !suite.crypto.verify(check)) return
    one.signatures.set(validator, { validator, signature: toBytes(signature) })
    if (one.signatures.size >= committee.quorum) publish(one)
  }
  const step = (): void => {
    net.after(RETRY_MS, me, 'goes on', step)
    const number = headOf(world).read.epoch.epoch
    // Who is behind is told again what the newest epoch is.
    for (const did of membersOf(world)) {
      const node = world.nodes.get(did)!
      if (node.epoch() < world.chain.length - 1) {
        net.send(me, did, 'the epoch', () => node.enter())
      }
    }
    if (stage === 'draining') {
      tell('drain', (did) => world.nodes.get(did)!.drain(number))
      if (net.now - since > 2_000) [stage, since] = ['sealing', net.now]
    } else if (stage === 'sealing') {
      tell('seal', (did) =>
        world.nodes
          .get(did)!
          .seal(number, (bundle) => back(did, 'the seal', () => takeSeal(bundle))),
      )
      const { quorum } = headOf(world).read.epoch
      if (seals.size < quorum || net.now - since < 1_500) return
      const made = [propose(0)]
      if (world.plan.has('rival-handovers') && world.isTroubled) made.push(propose(1))
      if (made.some((one) => one === undefined)) return seals.clear()
      tries = made.flatMap((one) => (one ? [one] : []))
      ;[stage, since] = ['signing', net.now]
      if (tries.length > 1) world.met(31)
    } else if (stage === 'signing') {
      for (const [index, one] of tries.entries()) {
        for (const [at, did] of membersOf(world).entries()) {
          // Two rivals are shown to one half each, before everybody is asked for both.
          if (tries.length > 1 && net.now - since < 3_000 && at % 2 !== index) continue
          const give = (signature: Uint8Array): void =>
            back(did, 'signature', () => takeSignature(one, did, signature))
          net.send(me, did, 'proposal', () => world.nodes.get(did)!.propose(one.proposal, give))
        }
      }
    }
  }
  net.after(RETRY_MS, me, 'goes on', step)
  return {
    endEpoch() {
      if (stage === 'idle' && world.isTroubled) [stage, since] = ['draining', net.now]
    },
    get isBusy() {
      return stage !== 'idle'
    },
    get isStuck() {
      return stage === 'signing' && tries.length > 1
    },
  }
}

function byId({ read }: Certified): [string, Certified['read']] {
  return [read.id, read]
}

function sealName({ seal, cid }: { seal: { validator: string }; cid: string }) {
  return { validator: seal.validator, cid }
}

import { fromBytes } from '@atcute/cbor'
import type { Account } from '../../src/tokens/account.ts'
import { checkOrder } from '../../src/tokens/check-order.ts'
import { checkSuccession, committeeOf, readEpoch, signEpoch } from '../../src/tokens/epoch.ts'
import { poolsOf } from '../../src/tokens/grants.ts'
import { checkHandover } from '../../src/tokens/handover.ts'
import type { CurrentEpoch } from '../../src/tokens/ledger-view.ts'
import { isRefusal } from '../../src/tokens/refusal.ts'
import { sealBytes, sealEpoch } from '../../src/tokens/seal.ts'
import { openEpoch } from '../../src/tokens/settle.ts'
import { type Answer, type Validator, createValidator } from '../../src/tokens/validator.ts'
import { type Disk, type Life, type Strike, beginLife } from './disk.ts'
import type { Proposal, SealBundle } from './governance.ts'
import { openSeal } from './sound-seal.ts'
import {
  type Certified,
  type Node,
  type Published,
  type World,
  instantOf,
  membersOf,
} from './world.ts'

/** An honest validator's node: the real validator on a disk, and the little that a host does. */
export type HonestHost = Node & {
  readonly disk: Disk
  readonly isUp: boolean
  /** The power goes, at once or with the next write; it comes back after a while. */
  crash(kind: Strike | 'now', awayMs: number): void
}

/** The epoch that was published, as validators hold it. */
export function currentOf({ read }: Published, persons: CurrentEpoch['persons']): CurrentEpoch {
  const pools = poolsOf(read.epoch.grants)
  return { epoch: read.epoch, committee: committeeOf(read), pools, persons, phase: 'open' }
}

/** Starts a validator on its disk. `skew` is how far its clock is ahead, milliseconds. */
export function createHonestHost(
  world: World,
  parts: { readonly did: string; readonly disk: Disk; readonly skew: number; lag: number },
): HonestHost {
  const { did, disk, skew, lag } = parts
  const { net, oracle, suite } = world
  const random = world.random(`host ${did}`)
  /** Its key changes with the epoch. */
  const signer = {
    didKey: did,
    sign: (bytes: Uint8Array) => world.signerOf(did, disk.current.epoch.epoch).sign(bytes),
  }
  let life: Life = beginLife()
  let validator: Validator
  const start = (): void => {
    validator = createValidator({
      did,
      crypto: suite.crypto,
      signer,
      store: disk.store(life),
      now: () => instantOf(net.now + skew),
      current: disk.current,
      batched: world.plan.has('batches'),
    })
  }
  start()
  const isDown = (): boolean => !life.alive
  let away = 1_000
  const restart = (awayMs: number): void => {
    net.after(awayMs, did, 'comes back', async () => {
      oracle.recovered(did, await disk.recover())
      oracle.phase(did, disk.notes.phase)
      life = beginLife()
      watch(life)
      start()
    })
  }
  const watch = (of: Life): void => void of.died.then(() => restart(away))
  watch(life)
  /** Awaits what the validator does, unless its life ends before. */
  const alive = async <T>(work: Promise<T>): Promise<T | undefined> => {
    const mine = life
    const done = await Promise.race([work, mine.died]).catch((error: unknown) => {
      if (!(error instanceof Error) || error.message !== 'the disk is full') throw error
      world.met(28)
    })
    if (!mine.alive) return undefined
    return done as T | undefined
  }
  const heard = (answer: Answer | undefined, bad: string | undefined): void => {
    if (!answer) return
    if (answer.ok && bad !== undefined) oracle.breach(`${did} takes what is bad: ${bad}`)
    if (answer.ok && 'attestation' in answer) oracle.signed(did, answer.about)
  }
  const applyAll = async (found: readonly Certified[]): Promise<void> => {
    for (const { read, certificate } of found) {
      const answer = await alive(validator.apply(read, certificate))
      heard(answer, undefined)
      if (!answer?.ok) return
    }
  }
  const pullFrom = (peer: string, account: string, from: number): void => {
    const give = (found: readonly Certified[]): void =>
      net.send(peer, did, 'certificates', () => (isDown() ? undefined : applyAll(found)))
    net.send(did, peer, 'pull', () => world.nodes.get(peer)!.pull(account, from, give))
  }
  const gossip = (certified: Certified): void => {
    for (const peer of membersOf(world)) {
      if (peer === did || !random.chance(world.plan.size > 4 ? 0.15 : 0.4)) continue
      net.send(did, peer, 'gossip', () => world.nodes.get(peer)!.certificate(certified))
    }
  }
  /** On disk first, while nothing is under way. */
  const turnTo = (phase: 'draining' | 'sealed') =>
    alive(
      validator.turn((now) => {
        disk.notes.phase = phase
        oracle.phase(did, phase)
        return Promise.resolve({ ...now, phase })
      }),
    )
  return {
    did,
    disk,
    get isUp() {
      return life.alive
    },
    crash(kind, awayMs) {
      away = awayMs
      if (kind === 'now') life.end()
      else disk.strike(kind)
    },
    async order(submission, reply, bad) {
      if (isDown()) return
      const keys = world.directory.keysOf(
        submission.account,
        net.now - (world.isTroubled ? lag : 0),
      )
      const checked = checkOrder(suite.crypto, submission, keys, ({ record, car }, { atproto }) =>
        suite.crypto.verify({ didKey: atproto, bytes: suite.crypto.sha256(record), signature: car })
          ? undefined
          : { ok: false, reason: 'NotInRepo', detail: 'no commit by the account' },
      )
      const pinned = disk.tables.accounts.get(submission.account)?.angel
      const answer = isRefusal(checked) ? checked : await alive(validator.submit(checked))
      heard(answer, bad)
      if (answer?.ok && !isRefusal(checked) && pinned && pinned.key !== checked.senderKey) {
        const limit = BigInt(disk.current.epoch.params.noAngelKeyLimit)
        if (checked.total > limit) oracle.breach(`${did} lets a new key spend ${checked.total}`)
      }
      if (!answer) return
      if (isRefusal(answer)) noteRefusal(world, disk, submission.account, answer)
      reply?.(answer)
    },
    async certificate(certified, reply, bad) {
      if (isDown()) return
      const { read, certificate } = certified
      const known = disk.tables.applied.has(`${read.account} ${read.transfer.seq}`)
      if (known && !reply && bad === undefined) return
      const answer = await alive(validator.apply(read, certificate))
      heard(answer, bad)
      if (!answer) return
      reply?.(answer)
      if (isRefusal(answer) && answer.reason === 'NeedCertificates') {
        const from = (disk.tables.accounts.get(read.account)?.seq ?? 0) + 1
        pullFrom(random.pick(membersOf(world)), read.account, from)
      }
      if (answer.ok && !known && bad === undefined) gossip(certified)
    },
    pull(account, from, give) {
      if (isDown()) return
      const found: Certified[] = []
      for (let seq = from; found.length < 20; seq += 1) {
        const applied = disk.tables.applied.get(`${account} ${seq}`)
        if (!applied) break
        const read = world.read(account, applied.record)
        found.push({ read, certificate: applied.certificate })
      }
      if (found.length > 0) give(found)
    },
    catchUp() {
      if (isDown()) return
      const peer = random.pick(membersOf(world).filter((one) => one !== did))
      for (const account of world.active) {
        pullFrom(peer, account, (disk.tables.accounts.get(account)?.seq ?? 0) + 1)
      }
    },
    epoch: () => disk.current.epoch.epoch,
    async drain(epoch) {
      if (isDown() || disk.notes.phase !== 'open' || epoch !== disk.current.epoch.epoch) return
      await turnTo('draining')
    },
    async seal(epoch, give) {
      // A call that comes late would seal the epoch after it.
      if (isDown() || epoch !== disk.current.epoch.epoch) return
      if (disk.notes.phase !== 'sealed') await turnTo('sealed')
      if (isDown()) return
      disk.notes.seal ??= await makeSeal(world, did, disk)
      give(disk.notes.seal as SealBundle)
    },
    async propose(proposal, give) {
      if (isDown() || disk.notes.phase !== 'sealed') return
      const signature = signProposal(world, did, disk, proposal)
      if (signature) give(signature)
    },
    async enter() {
      if (!life.alive) return
      for (const next of world.chain.slice(disk.current.epoch.epoch + 1)) {
        const opening = openingOf(world, disk, next)
        if (!opening) return
        await alive(
          validator.turn(async (now) => {
            // Told twice at once, it is there already.
            if (now.epoch.epoch + 1 !== next.read.epoch.epoch) return now
            const current = currentOf(next, world.persons)
            await disk.store(life).enter(current, opening)
            oracle.entered(did, current.epoch.epoch, opening)
            return current
          }),
        )
        if (isDown()) return
      }
    },
  }
}

/** Equivocation that was refused must be kept: it convicts. */
function noteRefusal(
  world: World,
  disk: Disk,
  account: string,
  { reason, detail }: { reason: string; detail: string },
): void {
  if (reason === 'InsufficientFunds') world.met(26)
  if (reason !== 'Equivocation') return
  const kept = [...disk.tables.evidence.keys()].some((name) => name.startsWith(`${account} `))
  if (!kept) world.oracle.breach(`no evidence of ${account} is kept: ${detail}`)
}

async function makeSeal(world: World, did: string, disk: Disk): Promise<SealBundle> {
  const { committee } = disk.current
  const { applied } = await disk.tables.everything()
  const certified = applied.map(({ account, record, certificate }) => ({
    read: world.read(account, record),
    certificate,
  }))
  const transfers = applied.map(({ account, seq, id }) => ({ account, seq, transfer: id }))
  const signer = world.signerOf(did, committee.epoch)
  const now = instantOf(world.net.now)
  const of = { committee, validator: did, transfers, participation: [], now }
  const { seal } = sealEpoch(world.suite.crypto, signer, of)
  return { bytes: sealBytes(seal), transfers, certified }
}

/** Signs the first proposal that follows from seals it can open, and no other. */
function signProposal(
  world: World,
  did: string,
  disk: Disk,
  proposal: Proposal,
): Uint8Array | undefined {
  const { crypto } = world.suite
  const next = readEpoch(crypto, proposal.bytes)
  if (isRefusal(next)) return undefined
  const { epoch, committee } = disk.current
  const { handover } = disk.notes
  if (handover !== undefined && handover !== next.id) return undefined
  if (!outcomeOf(world, disk, next, proposal.seals)) return undefined
  disk.notes.handover = next.id
  world.oracle.signedHandover(did, epoch.epoch, next.id)
  const { signature } = signEpoch(world.signerOf(did, committee.epoch), did, next.id)
  return fromBytes(signature)
}

function outcomeOf(
  world: World,
  { current, opening }: Disk,
  next: Published['read'],
  bundles: readonly SealBundle[],
) {
  const { epoch, committee } = current
  const opened = bundles.flatMap((bundle) => openSeal(world, bundle, committee) ?? [])
  const certified = (id: string) => opened.find(({ reads }) => reads.has(id))?.reads.get(id)
  const ending = { epoch, committee, opening, seals: opened.map(({ set }) => set), certified }
  const outcome = checkHandover(world.suite.crypto, ending, next)
  return isRefusal(outcome) ? undefined : outcome
}

/** What the validator begins an epoch with; undefined when the epoch does not follow. */
function openingOf(world: World, disk: Disk, next: Published): Map<string, Account> | undefined {
  const { epoch, committee } = disk.current
  const fault = checkSuccession(world.suite.crypto, { epoch, id: committee.id }, next.read)
  if (fault) {
    world.oracle.breach(`the epoch does not follow: ${fault.reason} ${fault.detail}`)
    return undefined
  }
  const outcome = outcomeOf(world, disk, next.read, next.seals)
  if (!outcome) world.oracle.breach('a signed epoch does not follow from its seals')
  return outcome && openEpoch(outcome.accounts.values(), next.read.epoch.grants)
}

import type { Attestation, Subject } from '../../src/tokens/attestation.ts'
import { type Certificate, assemble, checkCertificate } from '../../src/tokens/certificate.ts'
import type { Submission } from '../../src/tokens/check-order.ts'
import { committeeOf } from '../../src/tokens/epoch.ts'
import { isRefusal } from '../../src/tokens/refusal.ts'
import type { ReadTransfer } from '../../src/tokens/transfer.ts'
import type { Answer } from '../../src/tokens/validator.ts'
import { isVote, subjectOf } from './votes.ts'
import {
  type Certified,
  type Content,
  type World,
  headOf,
  instantOf,
  makeTransfer,
  membersOf,
  submissionOf,
} from './world.ts'

/** An order on its way. */
type Job = {
  readonly content: () => Content
  read: ReadTransfer
  submission: Submission
  locks: Map<string, Attestation>
  applies: Map<string, Attestation>
  certificate?: Certificate
  isDeleted?: boolean
}

/** Somebody who does everything right. */
export type Payer = {
  readonly did: string
  /** Whether an order is on its way. */
  readonly isWaiting: boolean
  /** Transfers of its own that are final. */
  readonly done: number
  /** Tells what it waits for. */
  describe(): string
  credited(amount: bigint): void
  /** Where its next order stands. */
  next(): { readonly seq: number; readonly prev?: string }
}

const RETRY_MS = 1_500

/** Starts a payer: it makes an order when it likes, and asks until the order is final. `draw`
 *  answers what to pay next out of what it surely has. */
export function createPayer(
  world: World,
  did: string,
  parts: {
    readonly funds: bigint
    readonly draw: (funds: bigint, seq: number) => (() => Content) | undefined
  },
): Payer {
  const { net, suite } = world
  const random = world.random(`payer ${did}`)
  const chain: Certified[] = []
  let head: { seq: number; prev?: string } = { seq: 0 }
  let funds = parts.funds
  let job: Job | undefined
  let done = 0

  const sign = (content: () => Content): Pick<Job, 'read' | 'submission'> => {
    const { angel, atproto } = world.directory.signers(did)
    const place = { seq: head.seq + 1, ...(head.prev !== undefined && { prev: head.prev }) }
    const read = makeTransfer(world, did, { ...content(), ...place }, angel)
    const keys = { atproto: atproto.didKey, signer: atproto }
    return { read, submission: submissionOf(world, did, read.bytes, keys) }
  }
  const finish = (one: Job, certificate: Certificate | undefined): void => {
    if (job !== one) return
    const { read } = one
    head = { seq: read.transfer.seq, prev: read.id }
    job = undefined
    done += 1
    if (world.isTroubled && random.chance(0.5)) begin()
    if (job) send(job)
    if (certificate) {
      if (!world.oracle.isFinal(read)) world.oracle.breach(`${read.id} is shown final, and is not`)
      world.finals.push({ read, certificate })
      world.paid(read)
    }
  }
  const push = (one: Job): void => {
    const { read, certificate } = one
    if (!certificate) return
    for (const to of membersOf(world)) {
      if (one.applies.has(to)) continue
      const reply = (answer: Answer): void =>
        net.send(to, did, 'applied', () => takeApply(one, to, answer))
      net.send(did, to, 'certificate', () =>
        world.nodes.get(to)!.certificate({ read, certificate }, reply),
      )
    }
  }
  const certified = (one: Job, certificate: Certificate): void => {
    one.certificate = certificate
    const { read } = one
    chain.push({ read, certificate })
    for (const { to } of read.transfer.credits) world.credit(to, { read, certificate })
    push(one)
  }
  const takeLock = (one: Job, from: string, answer: Answer): void => {
    if (job !== one || one.certificate) return
    if (isRefusal(answer)) return help(from, answer.reason)
    if ('applied' in answer) {
      const { certificate } = answer.applied
      if (world.isGood({ read: one.read, certificate })) certified(one, certificate)
      return
    }
    const about = subjectOf(world, 'lock', one.read)
    const found = collect(one.locks, about, answer.attestation, from)
    if (found) certified(one, found)
  }
  const takeApply = (one: Job, from: string, answer: Answer): void => {
    if (job !== one) return
    if (isRefusal(answer)) return help(from, answer.reason)
    if ('applied' in answer) return
    const about = subjectOf(world, 'apply', one.read)
    const found = collect(one.applies, about, answer.attestation, from)
    if (found) finish(one, found)
  }
  const collect = (
    votes: Map<string, Attestation>,
    about: Subject,
    vote: Attestation,
    from: string,
  ): Certificate | undefined => {
    if (vote.validator !== from || votes.has(from) || !isVote(world, about, vote)) return undefined
    votes.set(from, vote)
    const committee = committeeOf(headOf(world).read)
    if (committee.epoch !== about.epoch || votes.size < committee.quorum) return undefined
    const certificate = assemble(about, [...votes.values()])
    const good = checkCertificate(suite.crypto, certificate, committee)
    if (isRefusal(good)) {
      world.oracle.breach(`I13: good votes make no certificate: ${good.reason} ${good.detail}`)
      return undefined
    }
    checkTime(world, certificate, good.time)
    return certificate
  }
  /** A validator that lacks something is given it. */
  const help = (to: string, reason: string): void => {
    const missing =
      reason === 'NeedCertificates'
        ? chain
        : reason === 'InsufficientFunds'
          ? (world.credits.get(did) ?? [])
          : []
    for (const one of missing.slice(-6)) {
      if (one.read.transfer.epoch !== headOf(world).read.epoch.epoch) continue
      net.send(did, to, 'credit', () => world.nodes.get(to)!.certificate(one))
    }
  }
  const send = (one: Job): void => {
    for (const to of membersOf(world)) {
      if (one.locks.has(to)) continue
      const reply = (answer: Answer): void =>
        net.send(to, did, 'vote', () => takeLock(one, to, answer))
      net.send(did, to, 'order', () => world.nodes.get(to)!.order(one.submission, reply))
    }
  }
  const renew = (one: Job): void => {
    const number = headOf(world).read.epoch.epoch
    if (one.read.transfer.epoch === number) return
    const isSettled = world.chain.some(({ before }) =>
      before?.settled.some(({ transfer }) => transfer === one.read.id),
    )
    if (isSettled) return finish(one, undefined)
    world.met(29)
    const { certificate: _, ...rest } = one
    job = { ...rest, ...sign(one.content), locks: new Map(), applies: new Map() }
  }
  const begin = (): void => {
    const drawn = parts.draw(funds, head.seq + 1)
    if (!drawn) return
    const createdAt = instantOf(net.now)
    const content = (): Content => ({ ...drawn(), createdAt })
    for (const { amount } of content().credits) funds -= BigInt(amount)
    job = { content, ...sign(content), locks: new Map(), applies: new Map() }
    if (world.plan.has('relay')) relay(world, job, random.between(5_000, 120_000))
  }
  const step = (): void => {
    net.after(RETRY_MS + random.below(500), did, 'asks', step)
    if (!job && world.isTroubled && random.chance(0.9)) begin()
    if (job) renew(job)
    if (!job) return
    // New keys sign the same transfer again: its id stays.
    const { read, submission } = sign(job.content)
    if (read.id === job.read.id) Object.assign(job, { read, submission })
    if (job.certificate) push(job)
    else send(job)
  }
  net.after(random.below(2_000), did, 'begins', step)
  return {
    did,
    get isWaiting() {
      return job !== undefined
    },
    get done() {
      return done
    },
    next: () => ({ ...head, seq: head.seq + 1 }),
    describe: () => {
      if (!job) return `${did} waits for nothing`
      const { read, locks, applies, certificate } = job
      const { seq, epoch } = read.transfer
      const stage = certificate ? 'certified' : 'ordered'
      return `${did} waits for ${seq} in ${epoch}: ${stage}, ${locks.size} ${applies.size}`
    },
    credited: (amount) => void (funds += amount),
  }
}

/** The order goes by a relay too: late, perhaps twice, and without an answer. */
function relay(world: World, job: Job, late: number): void {
  const { net, nodes } = world
  world.met(9)
  const { submission } = job
  const deliver = (to: string) => () =>
    job.isDeleted ? undefined : nodes.get(to)!.order(submission)
  for (const to of membersOf(world)) {
    net.sendLate(late, 'relay', [to, 'event'], deliver(to))
    net.sendLate(late / 8, 'relay', [to, 'event again'], deliver(to))
  }
  world.met(10)
  if (late % 2 === 0) return
  // The record is deleted: nobody hears of it any more, and what was certified stays.
  world.met(12)
  net.after(late / 16, 'relay', 'forgets a record', () => void (job.isDeleted = true))
}

/** The time of a certificate is between two that honest validators have named. */
function checkTime(world: World, { attestations }: Certificate, time: string): void {
  const honest = attestations.filter(({ validator }) => !world.liars.has(validator))
  const times = honest.map(({ observedAt }) => observedAt).toSorted()
  if (time < times[0]! || time > times.at(-1)!) {
    world.oracle.breach(`the time ${time} is no honest validator's`)
  }
}

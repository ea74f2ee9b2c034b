import type { Attestation } from '../../src/tokens/attestation.ts'
import { assemble } from '../../src/tokens/certificate.ts'
import type { Submission } from '../../src/tokens/check-order.ts'
import type { ReadTransfer } from '../../src/tokens/transfer.ts'
import type { Answer } from '../../src/tokens/validator.ts'
import { subjectOf, voteOf } from './votes.ts'
import { type World, didOf, headOf, makeTransfer, membersOf, submissionOf } from './world.ts'

type Order = {
  readonly read: ReadTransfer
  readonly submission: Submission
  readonly votes: Map<string, Attestation>
  isPushed?: boolean
}

/** Signs and commits a transfer of an account with the keys of its document. */
export function orderOf(
  world: World,
  account: string,
  content: Parameters<typeof makeTransfer>[2],
): Pick<Order, 'read' | 'submission'> {
  const { angel, atproto } = world.directory.signers(account)
  const read = makeTransfer(world, account, content, angel)
  const keys = { atproto: atproto.didKey, signer: atproto }
  return { read, submission: submissionOf(world, account, read.bytes, keys) }
}

/** Somebody who promises one number to two, one half of the validators each, with all liars on both
 *  sides; pushes every certificate that comes of it. Tries again in each epoch. */
export function startTwins(world: World, account: string): void {
  const { net } = world
  const random = world.random(`twins ${account}`)
  let head: { seq: number; prev?: string } = { seq: 0 }
  let [orders, epoch]: [Order[], number] = [[], -1]
  const take = (order: Order, from: string, answer: Answer): void => {
    if (!answer.ok || !('attestation' in answer)) return
    order.votes.set(from, answer.attestation)
    const { epoch: now } = headOf(world).read
    if (order.votes.size < now.quorum || now.epoch !== epoch || order.isPushed) return
    const certificate = assemble(subjectOf(world, 'lock', order.read), [...order.votes.values()])
    if (!world.isGood({ read: order.read, certificate })) return
    order.isPushed = true
    for (const to of membersOf(world)) {
      net.send(account, to, 'a certificate of one of two', () =>
        world.nodes.get(to)!.certificate({ read: order.read, certificate }),
      )
    }
  }
  const send = (order: Order, to: string): void => {
    const reply = (answer: Answer): void =>
      net.send(to, account, 'vote', () => take(order, to, answer))
    net.send(account, to, 'one of two', () => world.nodes.get(to)!.order(order.submission, reply))
  }
  const begin = (): void => {
    if (epoch >= 0) world.met(1)
    epoch = headOf(world).read.epoch.epoch
    const before = world.chain.flatMap((one) => one.before?.settled ?? [])
    const mine = before.filter((one) => one.account === account).at(-1)
    if (mine) head = { seq: mine.seq, prev: mine.transfer }
    const place = { seq: head.seq + 1, ...(head.prev !== undefined && { prev: head.prev }) }
    orders = ['first', 'second'].map((name) => {
      const credits = [{ to: didOf(`${name} of two`), amount: 1_000 + random.below(1_000_000) }]
      return { ...orderOf(world, account, { ...place, credits }), votes: new Map() }
    })
    for (const order of orders) {
      for (const liar of world.liars) {
        if (!membersOf(world).includes(liar)) continue
        world.met(2)
        order.votes.set(liar, voteOf(world, subjectOf(world, 'lock', order.read), liar))
      }
    }
    world.met(13)
    world.met(15)
  }
  const step = (): void => {
    if (!world.isTroubled) return
    net.after(random.between(1_500, 4_000), account, 'promises twice', step)
    if (epoch !== headOf(world).read.epoch.epoch) begin()
    const honest = random.shuffled(membersOf(world).filter((did) => !world.liars.has(did)))
    const half = Math.floor(honest.length / 2)
    for (const [at, to] of honest.entries()) send(orders[at < half ? 0 : 1]!, to)
  }
  net.after(random.below(4_000), account, 'promises twice', step)
}

/** Somebody who has an order certified and shows it to nobody until the epoch is over. */
export function startHider(world: World, account: string): void {
  const { net } = world
  const random = world.random(`hider ${account}`)
  const { read, submission } = orderOf(world, account, {
    credits: [{ to: didOf('hidden'), amount: 500_000 }],
  })
  const votes = new Map<string, Attestation>()
  const step = (): void => {
    const { epoch } = headOf(world).read.epoch
    if (epoch > 0) return reveal()
    net.after(random.between(2_000, 5_000), account, 'hides', step)
    for (const to of membersOf(world)) {
      if (votes.has(to)) continue
      const reply = (answer: Answer): void =>
        net.send(to, account, 'vote', () => {
          if (answer.ok && 'attestation' in answer) votes.set(to, answer.attestation)
        })
      net.send(account, to, 'hidden order', () => world.nodes.get(to)!.order(submission, reply))
    }
  }
  const reveal = (): void => {
    const certificate = assemble(subjectOf(world, 'lock', read), [...votes.values()])
    if (!world.isGood({ read, certificate })) return
    world.met(29)
    world.hidden.push({ read, certificate })
    for (const to of membersOf(world)) {
      net.send(account, to, 'revealed late', () => {
        const node = world.nodes.get(to)!
        // Who is still in the old epoch may take it: it was certified there.
        const bad = node.epoch() === 0 ? undefined : 'a certificate of a closed epoch'
        return node.certificate({ read, certificate }, undefined, bad)
      })
    }
  }
  net.after(random.below(3_000), account, 'hides', step)
}

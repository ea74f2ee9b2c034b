import type { Governance } from './governance.ts'
import type { HonestHost } from './honest-host.ts'
import type { Payer } from './payer.ts'
import { orderOf } from './twins.ts'
import { type World, didOf, makeTransfer, membersOf, submissionOf } from './world.ts'

type Hosts = ReadonlyMap<string, HonestHost>

/** Sets off everything that a seed has in store beside its actors. */
export function startTroubles(
  world: World,
  hosts: Hosts,
  payers: readonly Payer[],
  governance: Governance,
): void {
  const { plan } = world
  world.directory.leaveKeyless(didOf('keyless'))
  if (plan.has('partitions')) partNetwork(world, hosts, payers)
  if (plan.has('crashes')) crashHosts(world, hosts)
  if (plan.has('rotations')) changeKeys(world, payers)
  if (plan.has('crook')) trickKeys(world, payers)
  if (plan.has('relay')) setBack(world, payers)
  if (plan.has('dust')) raiseDust(world, hosts)
  if (plan.has('epochs')) endEpochs(world, governance)
}

/** Does something again and again while there are troubles. */
function repeat(world: World, name: string, every: readonly [number, number], act: () => void) {
  const random = world.random(name)
  const step = (): void => {
    if (!world.isTroubled) return
    world.net.after(random.between(...every), name, 'strikes', step)
    act()
  }
  world.net.after(random.between(0, every[1]), name, 'strikes', step)
}

function partNetwork(world: World, hosts: Hosts, payers: readonly Payer[]): void {
  const random = world.random('partition')
  repeat(world, 'partitions', [4_000, 9_000], () => {
    const from = world.net.now
    const until = from + random.between(1_000, 5_000)
    if (random.chance(0.4)) {
      world.met(8)
      world.net.part({ from, until, side: new Set([random.pick(payers).did]) })
      return
    }
    world.met(7)
    const all = random.shuffled([...hosts.keys(), ...world.liars])
    const people = payers.filter(() => random.chance(0.5)).map(({ did }) => did)
    const half = all.slice(0, Math.floor(all.length / 2))
    world.net.part({ from, until, side: new Set([...half, ...people]) })
  })
}

function crashHosts(world: World, hosts: Hosts): void {
  const random = world.random('crash')
  repeat(world, 'crashes', [1_500, 5_000], () => {
    const host = random.pick([...hosts.values()])
    const kinds = ['now', 'before', 'after'] as const
    const torn = world.plan.has('torn-writes') && random.chance(0.4)
    const refused = world.plan.has('refused-writes') && random.chance(0.3)
    const kind = torn ? 'torn' : refused ? 'refused' : random.pick(kinds)
    host.crash(kind, random.between(200, 4_000))
  })
}

/** Keys change, and now and then the change is taken back; a repo moves, and the host it has left
 *  goes on. */
function changeKeys(world: World, payers: readonly Payer[]): void {
  const { directory, net } = world
  const random = world.random('keys')
  const changed = new Map<string, number>()
  repeat(world, 'rotations', [3_000, 9_000], () => {
    const { did } = random.pick(payers)
    const which = random.pick(['angel', 'atproto'] as const)
    const generation = changed.get(did) ?? 0
    if (generation > 0 && random.chance(0.5)) {
      world.met(19)
      changed.set(did, 0)
      directory.rotate(did, which, 0, net.now)
      return
    }
    const left = orderOf(world, did, { credits: [{ to: didOf('friend'), amount: 1_000 }] })
    world.met(which === 'angel' ? 17 : 18)
    changed.set(did, generation + 1)
    directory.rotate(did, which, generation + 1, net.now)
    if (which === 'angel') return
    world.met(20)
    const paid = payers.find((one) => one.did === did)!
    if (paid.done === 0) return
    for (const to of membersOf(world)) {
      net.send('old host', to, 'old order', () => world.nodes.get(to)!.order(left.submission))
    }
  })
}

/** An account without a device key over its limit, and one that is taken down. */
function trickKeys(world: World, payers: readonly Payer[]): void {
  const { net, directory } = world
  const keyless = didOf('keyless')
  const mover = didOf('mover')
  const signer = directory.signers(keyless).atproto
  repeat(world, 'limits', [2_000, 6_000], () => {
    const credits = [{ to: didOf('thief'), amount: 10_000_001 }]
    const { bytes } = makeTransfer(world, keyless, { credits }, undefined)
    const keys = { atproto: signer.didKey, signer }
    const submission = submissionOf(world, keyless, bytes, keys)
    world.met(22)
    const to = world.random(`limit ${net.now}`).pick(membersOf(world))
    net.send(keyless, to, 'over the limit', () =>
      world.nodes.get(to)!.order(submission, undefined, 'over the limit without a device key'),
    )
  })
  const crook = payers.find(({ did }) => did === didOf('crook'))
  let isStolen = false
  repeat(world, 'thefts', [1_000, 3_000], () => {
    if (!crook || crook.done === 0) return
    if (!isStolen) directory.rotate(crook.did, 'angel', 1, net.now)
    isStolen = true
    const credits = [{ to: didOf('thief'), amount: 10_000_001 }]
    const { submission } = orderOf(world, crook.did, { ...crook.next(), credits })
    // Whether it is a fault depends on what the validator has seen; its host knows.
    for (const to of membersOf(world)) {
      net.sendLate(4_000, crook.did, [to, 'a new key'], () =>
        world.nodes.get(to)!.order(submission),
      )
    }
  })
  directory.tombstone(mover, net.now - 60_000)
  world.met(21)
  repeat(world, 'tombstones', [3_000, 9_000], () => {
    const { submission } = orderOf(world, mover, { credits: [{ to: didOf('a'), amount: 5 }] })
    const to = world.random(`tomb ${net.now}`).pick(membersOf(world))
    net.send(mover, to, 'by one taken down', () =>
      world.nodes.get(to)!.order(submission, undefined, 'by an account that is taken down'),
    )
  })
}

/** A repo is set back, and its owner uses a number again that was final. */
function setBack(world: World, payers: readonly Payer[]): void {
  const random = world.random('set back')
  repeat(world, 'backups', [4_000, 9_000], () => {
    const { did, done } = random.pick(payers)
    if (done === 0) return
    world.met(14)
    const credits = [{ to: didOf('friend'), amount: 1_000 + random.below(1_000) }]
    const { submission } = orderOf(world, did, { credits })
    const to = random.pick(membersOf(world))
    world.net.send(did, to, 'a number again', () => world.nodes.get(to)!.order(submission))
  })
}

/** Orders of accounts that nobody has heard of: nothing is kept of them. */
function raiseDust(world: World, hosts: Hosts): void {
  const random = world.random('dust')
  repeat(world, 'dust', [1_000, 4_000], () => {
    const did = didOf(`dust ${random.below(100_000)}`)
    const { submission } = orderOf(world, did, { credits: [{ to: didOf('a'), amount: 1 }] })
    const to = random.pick(membersOf(world))
    world.met(37)
    world.net.send(did, to, 'dust', async () => {
      await world.nodes.get(to)!.order(submission, undefined, 'dust')
      if (hosts.get(to)?.disk.tables.accounts.has(did)) world.oracle.breach(`dust of ${did} stays`)
    })
  })
}

function endEpochs(world: World, governance: Governance): void {
  const random = world.random('epochs')
  const begin = (): void => {
    if (!world.isTroubled) return
    governance.endEpoch()
    world.net.after(random.between(4_000, 10_000), 'calendar', 'ends the epoch', begin)
  }
  world.net.after(random.between(1_500, 6_000), 'calendar', 'ends the epoch', begin)
}

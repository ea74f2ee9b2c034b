import { fromBytes, toBytes } from '@atcute/cbor'
import { type Attestation, attestationBytes, makeBatch } from '../../src/tokens/attestation.ts'
import { type Certificate, assemble } from '../../src/tokens/certificate.ts'
import { committeeOf } from '../../src/tokens/epoch.ts'
import { leafHash } from '../../src/tokens/merkle.ts'
import type { Random } from './random.ts'
import { orderOf } from './twins.ts'
import { subjectOf, voteOf } from './votes.ts'
import { type Certified, type World, didOf, headOf, membersOf } from './world.ts'

/** A way to make a certificate that nobody may take; undefined when what it needs is not there. */
type Forgery = readonly [
  name: string,
  scenario: number,
  make: (world: World, base: Base) => Certified | undefined,
]

/** What a forger has: an order with too few votes, and what is public. */
type Base = {
  readonly read: Certified['read']
  readonly votes: readonly Attestation[]
  readonly random: Random
}

/** The certificate with these attestations as they stand, one signer twice if need be. */
function withVotes(about: Certificate, attestations: readonly Attestation[]): Certificate {
  return { ...about, attestations }
}

function forged(world: World, base: Base, make: (validator: string, at: number) => Attestation) {
  const about = subjectOf(world, 'lock', base.read)
  const others = membersOf(world).map(make)
  return { read: base.read, certificate: withVotes(assemble(about, []), others) }
}

/** A good certificate of locks of this epoch that somebody else has got. */
function honest(world: World, { random }: Base): Certified | undefined {
  const { epoch } = headOf(world).read.epoch
  const all = [...world.credits.values()].flat()
  const now = all.filter(({ read }) => read.transfer.epoch === epoch)
  return now.length === 0 ? undefined : random.pick(now)
}

function changed(
  world: World,
  base: Base,
  change: (one: Attestation, certified: Certified) => Attestation,
): Certified | undefined {
  const found = honest(world, base)
  if (!found) return undefined
  const { read, certificate } = found
  const [first, ...rest] = certificate.attestations
  return { read, certificate: withVotes(certificate, [change(first!, found), ...rest]) }
}

const FORGERIES: readonly Forgery[] = [
  [
    'too few votes',
    5,
    (world, base) => {
      const certificate = assemble(subjectOf(world, 'lock', base.read), base.votes)
      return base.votes.length === 0 ? undefined : { read: base.read, certificate }
    },
  ],
  [
    'one signer as often as it takes',
    5,
    (world, base) => {
      const about = assemble(subjectOf(world, 'lock', base.read), [])
      const { votes } = base
      if (votes.length === 0) return undefined
      const many = membersOf(world).map((_, at) => votes[at % votes.length]!)
      return { read: base.read, certificate: withVotes(about, many) }
    },
  ],
  [
    'one signature under all names',
    5,
    (world, base) => {
      const [first] = base.votes
      if (!first) return undefined
      return forged(world, base, (validator) => ({ ...first, validator }))
    },
  ],
  [
    'strangers',
    6,
    (world, base) => {
      const about = subjectOf(world, 'lock', base.read)
      return forged(world, base, (_, at) =>
        voteOf(world, about, didOf(`stranger ${'abcdefghijklm'[at]}`)),
      )
    },
  ],
  [
    'strangers in the names of members',
    6,
    (world, base) => {
      const about = subjectOf(world, 'lock', base.read)
      return forged(world, base, (validator) =>
        voteOf(world, about, validator, { signer: 'stranger' }),
      )
    },
  ],
  [
    'applies as locks',
    42,
    (world, { random }) => {
      const { epoch } = headOf(world).read.epoch
      const now = world.finals.filter(({ read }) => read.transfer.epoch === epoch)
      return now.length === 0 ? undefined : random.pick(now)
    },
  ],
  [
    'a high s',
    36,
    (world, base) =>
      changed(world, base, (one) => {
        const other = world.suite.withHighS(fromBytes(one.signature))
        return { ...one, signature: toBytes(other) }
      }),
  ],
  [
    'a signature of chance',
    4,
    (world, base) =>
      changed(world, base, (one) => ({ ...one, signature: toBytes(new Uint8Array(64).fill(9)) })),
  ],
  [
    'another time',
    16,
    (world, base) =>
      changed(world, base, (one) => ({ ...one, observedAt: '2026-11-01T00:00:00.000Z' })),
  ],
  [
    'another transfer',
    5,
    (world, base) => {
      const found = honest(world, base)
      return found && { read: base.read, certificate: found.certificate }
    },
  ],
  [
    'the place of another in a batch',
    41,
    (world, base) => {
      const found = honest(world, base)
      const at = found?.certificate.attestations.findIndex(({ batch }) => batch !== undefined) ?? -1
      if (!found || at < 0) return undefined
      // A vote that was asked for twice at once stands in two places of its batch.
      const moved = found.certificate.attestations[at]!
      const leaf = leafHash(
        world.suite.crypto,
        attestationBytes(world.suite.crypto, found.certificate, moved),
      )
      if (moved.batch?.path[0]?.$bytes === toBytes(leaf).$bytes) return undefined
      const attestations = found.certificate.attestations.map((one, index) => {
        if (index !== at || !one.batch) return one
        const { count, index: place } = one.batch
        return { ...one, batch: { ...one.batch, index: (place + 1) % count } }
      })
      return { read: found.read, certificate: withVotes(found.certificate, attestations) }
    },
  ],
  [
    'a batch of its own making',
    41,
    (world, base) => {
      const about = subjectOf(world, 'lock', base.read)
      const signer = world.suite.signer('stranger')
      return forged(world, base, (validator) => {
        const by = voteOf(world, about, validator)
        const batch = makeBatch(world.suite.crypto, { number: 1 }, [{ about, by }])
        return batch.sign(signer).attestations[0]!
      })
    },
  ],
  [
    'the batch of another transfer',
    41,
    (world, base) => {
      const [found, other] = [honest(world, base), honest(world, base)]
      if (!found || !other || found.read.id === other.read.id) return undefined
      const others = new Map(other.certificate.attestations.map((one) => [one.validator, one]))
      const attestations = found.certificate.attestations.map((one) => {
        const { batch, signature } = others.get(one.validator) ?? {}
        return batch && signature ? { ...one, batch, signature } : one
      })
      const isOther = attestations.some((one, at) => one !== found.certificate.attestations[at])
      return isOther
        ? { read: found.read, certificate: withVotes(found.certificate, attestations) }
        : undefined
    },
  ],
  [
    'a closed epoch',
    11,
    (world, { random }) => {
      const { epoch } = headOf(world).read.epoch
      const old = [...world.credits.values()]
        .flat()
        .filter(({ read }) => read.transfer.epoch < epoch)
      return old.length === 0 ? undefined : random.pick(old)
    },
  ],
  [
    'leaked keys of a closed epoch',
    32,
    (world, base) => {
      const old = base.read.transfer.epoch
      if (old >= headOf(world).read.epoch.epoch) return undefined
      const about = subjectOf(world, 'lock', base.read)
      const votes = [...committeeOf(world.chain[old]!.read).keys.keys()]
      return {
        read: base.read,
        certificate: assemble(
          about,
          votes.map((did) => voteOf(world, about, did)),
        ),
      }
    },
  ],
]

/** Somebody who has one validator vote for an order and makes certificates of it, and of what
 *  others have got, that are none. */
export function startForger(world: World, account: string): void {
  const { net } = world
  const random = world.random(`forger ${account}`)
  const { read, submission } = orderOf(world, account, {
    credits: [{ to: didOf('crony'), amount: 700_000 }],
  })
  const votes: Attestation[] = world.plan.has('liars')
    ? [...world.liars].map((liar) => voteOf(world, subjectOf(world, 'lock', read), liar))
    : []
  const [first] = membersOf(world).filter((did) => !world.liars.has(did))
  net.send(account, first!, 'an order for one', () =>
    world.nodes.get(first!)!.order(submission, (answer) => {
      if (answer.ok && 'attestation' in answer && votes.length <= world.liars.size) {
        votes.push(answer.attestation)
      }
    }),
  )
  const step = (): void => {
    if (!world.isTroubled) return
    net.after(random.between(300, 900), account, 'forges', step)
    const [name, scenario, make] = random.pick(FORGERIES)
    const certified = make(world, { read, votes, random })
    if (!certified) return
    world.met(scenario)
    const to = random.pick(membersOf(world))
    const { epoch } = certified.certificate
    net.send(account, to, `forged: ${name}`, () => {
      const node = world.nodes.get(to)!
      // Of a closed epoch only who has left it can know.
      const isOld = name.includes('closed epoch') && node.epoch() <= epoch
      if (isOld) return undefined
      return node.certificate(certified, () => undefined, name)
    })
  }
  net.after(random.below(2_000), account, 'forges', step)
}

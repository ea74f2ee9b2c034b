import { toBytes } from '@atcute/cbor'
import type { Grant } from '../../src/tokens/grants.ts'
import { cidOf } from '../../src/tokens/encoding.ts'
import { type Person, witnessBytes } from '../../src/tokens/pool-rules.ts'
import type { Transfer } from '../../src/tokens/transfer.ts'
import { orderOf } from './twins.ts'
import { type Content, type World, didOf, headOf, membersOf, submissionOf } from './world.ts'

/** The pool that mints as it should, and the one that does not. */
export const KARMA_POOL = didOf('karma pool')
export const CROOKED_POOL = didOf('crooked pool')

const BUDGET = 3_000_000
/** What the pool gives its first receiver: less than the cap, and more than half of it. */
export const FIRST_REWARD = 90_000
const RULES = {
  kind: 'karma_reward',
  amount: BUDGET,
  perTransferCap: 200_000,
  bucketCaps: [1_000, 100_000, 150_000, 200_000, 150_000, 800_000],
  witnesses: 2,
} as const

/** The budgets of an epoch. */
export function poolGrants(): Grant[] {
  return [
    { ...RULES, pool: KARMA_POOL },
    { ...RULES, pool: CROOKED_POOL },
  ]
}

const WITNESSES = [
  ['witness one', 'a'],
  ['witness two', 'b'],
  ['witness of one', 'a'],
] as const

/** The snapshot of persons: three witnesses of two clusters, and those who may be rewarded. */
export function personsOf(
  keyOf: (name: string) => string,
  receivers: readonly string[],
): Map<string, Person> {
  const witnesses = WITNESSES.map(([name, cluster]): Person => {
    return { did: didOf(name), key: keyOf(name), bucket: 3, cluster }
  })
  const others = receivers.map((did, at): Person => {
    return { did, bucket: 1 + ((at + 3) % 5), cluster: `of ${did}` }
  })
  return new Map([...witnesses, ...others].map((one) => [one.did, one]))
}

type Mint = Content & { readonly seq: number }

/** A reward that a pool may give, as these witnesses have signed it. */
export function rewardOf(
  world: World,
  pool: string,
  { seq, ...content }: Mint,
  names: readonly string[],
): Content {
  const { epoch, id } = headOf(world).read
  const evidence = [{ uri: 'at://did:plc:a/b/c', cid: cidOf(world.suite.crypto, { seq }) }]
  const about = {
    ledger: epoch.ledger ?? id,
    epoch: epoch.epoch,
    seq,
    kind: 'karma_reward',
    evidence,
    ...content,
  } as const
  const witnesses = names.map((name) => {
    const bytes = witnessBytes(world.suite.crypto, pool, about as Transfer, didOf(name))
    return { did: didOf(name), signature: toBytes(world.suite.signer(name).sign(bytes)) }
  })
  return { kind: 'karma_reward', evidence, ...content, witnesses }
}

const GOOD = ['witness one', 'witness two']
const pay = (to: string, amount: number): { credits: Transfer['credits'] } => ({
  credits: [{ to, amount }],
})

type Trick = readonly [string, number, (world: World, person: string, stranger: string) => Content]

const mint =
  (content: Content, names = GOOD) =>
  (world: World): Content =>
    rewardOf(world, CROOKED_POOL, { ...content, seq: 1 }, names)

const TRICKS: readonly Trick[] = [
  ['more than the budget', 25, (w, p) => mint(pay(p, BUDGET + 1))(w)],
  ['more than one transfer may', 24, (w, p) => mint(pay(p, 200_001))(w)],
  ['more than a receiver may', 24, (w, _, s) => mint(pay(s, 1_001))(w)],
  ['one of a ring of strangers', 39, (w, _, s) => mint(pay(s, 150_000))(w)],
  ['of another kind', 24, (w, p) => mint({ ...pay(p, 500), kind: 'justice_fund' })(w)],
  ['without witnesses', 24, (_, p) => ({ ...pay(p, 500), kind: 'karma_reward' })],
  ['with one witness', 24, (w, p) => mint(pay(p, 500), ['witness one'])(w)],
  [
    'with witnesses of one cluster',
    24,
    (w, p) => mint(pay(p, 500), ['witness one', 'witness of one'])(w),
  ],
  ['with one witness twice', 24, (w, p) => mint(pay(p, 500), ['witness one', 'witness one'])(w)],
  ['with strangers', 24, (w, p) => mint(pay(p, 500), ['witness one', 'stranger'])(w)],
  ['to its own witness', 24, (w) => mint(pay(didOf('witness two'), 500))(w)],
  [
    'with a forged witness',
    24,
    (w, p) => {
      const made = mint(pay(p, 500))(w)
      const [first, second] = made.witnesses!
      return { ...made, witnesses: [first!, { ...second!, signature: first!.signature }] }
    },
  ],
  ['as witnessed for less', 24, (w, p) => ({ ...mint(pay(p, 500))(w), ...pay(p, 5_000) })],
]

/** A pool that tries to give what it may not; `place` is where the other pool goes on, which gives
 *  its first receiver no more than it may have. */
export function startPoolCrook(
  world: World,
  people: readonly string[],
  place: (() => { readonly seq: number; readonly prev?: string }) | undefined,
): void {
  const { net } = world
  const order = (pool: string, content: Content, name: string): void => {
    const { read } = orderOf(world, pool, content)
    const signer = world.directory.signers(pool).atproto
    const keys = { atproto: signer.didKey, signer }
    const submission = submissionOf(world, pool, read.bytes, keys)
    const to = random.pick(membersOf(world))
    net.send(pool, to, name, () => world.nodes.get(to)!.order(submission, undefined, name))
  }
  const random = world.random('pool crook')
  const step = (): void => {
    if (!world.isTroubled) return
    net.after(random.between(600, 1_800), CROOKED_POOL, 'mints', step)
    const [name, scenario, make] = random.pick(TRICKS)
    const stranger = didOf(`ring ${random.below(10_000)}`)
    world.met(scenario)
    order(CROOKED_POOL, make(world, random.pick(people), stranger), `mint ${name}`)
    const next = place?.()
    // Caps are by epoch.
    if (!next || next.seq === 1 || world.chain.length > 1) return
    const again = rewardOf(world, KARMA_POOL, { ...next, ...pay(people[0]!, FIRST_REWARD) }, GOOD)
    order(KARMA_POOL, { ...again, ...next }, 'mint more than a receiver may in all')
  }
  net.after(random.below(2_000), CROOKED_POOL, 'mints', step)
}

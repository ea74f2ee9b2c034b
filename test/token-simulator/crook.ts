import { decode, encode, fromBytes, toBytes } from '@atcute/cbor'
import { cidOf, encodeRecord } from '../../src/tokens/encoding.ts'
import {
  type Credit,
  TRANSFER,
  type Transfer,
  signSpend,
  transferId,
} from '../../src/tokens/transfer.ts'
import { orderOf } from './twins.ts'
import { type World, didOf, headOf, instantOf, membersOf, submissionOf } from './world.ts'

/** A way to make an order that no validator may vote for: its scenario, and what is sent. */
type Trick = readonly [
  name: string,
  scenario: number,
  make: (world: World, account: string, place: Place) => Uint8Array | Sent,
]
type Place = { readonly seq: number; readonly prev?: string }
type Sent = { readonly record: Uint8Array; readonly car?: Uint8Array; readonly as?: string }

const FAR = 1_000_000_000
const to = (name: string, amount: number): Credit => ({ to: didOf(name), amount })

/** The record of any content at the account's place, truly signed. */
function signed(world: World, account: string, content: Record<string, unknown>): Uint8Array {
  const { epoch, id } = headOf(world).read
  const bare = {
    $type: TRANSFER,
    ledger: epoch.ledger ?? id,
    epoch: epoch.epoch,
    seq: 1,
    kind: 'peer_recognition',
    credits: [to('crony', 1_000)],
    createdAt: instantOf(world.net.now),
    ...content,
  }
  const { angel } = world.directory.signers(account)
  const made = transferId(world.suite.crypto, account, bare as unknown as Transfer)
  return encodeRecord({ ...bare, signatures: [signSpend(angel, made)] })
}

const content =
  (more: object) =>
  (world: World, account: string, place: Place): Uint8Array =>
    signed(world, account, { ...place, ...more })

const amount = (value: unknown) => content({ credits: [{ to: didOf('crony'), amount: value }] })

const TRICKS: readonly Trick[] = [
  ['nothing', 34, amount(0)],
  ['less than nothing', 34, amount(-1)],
  ['the largest integer', 34, amount(Number.MAX_SAFE_INTEGER)],
  ['a text', 34, amount('1e3')],
  ['more than there may be', 34, amount(9_000_000_000_000_001)],
  ['more than it has', 26, amount(4_000_000_000_000)],
  [
    'sums that go round',
    34,
    content({ credits: [to('a', 9_000_000_000_000_000), to('b', 9_000_000_000_000_000)] }),
  ],
  [
    'funds behind a fee',
    34,
    content({ credits: [to('a', 1), { ...to('fees', FAR), role: 'fee' }] }),
  ],
  ['a fee for a crony', 35, content({ credits: [to('a', 1), { ...to('crony', 5), role: 'fee' }] })],
  [
    'to itself',
    37,
    (w, did, place) => signed(w, did, { ...place, credits: [{ to: did, amount: 5 }] }),
  ],
  ['one receiver twice', 37, content({ credits: [to('a', 1), to('a', 1)] })],
  ['a field nobody knows', 36, content({ note: 'hello' })],
  ['another ledger', 11, (w, did, place) => signed(w, did, { ...place, ledger: otherCid(w, did) })],
  [
    'an epoch to come',
    11,
    (w, did, p) => signed(w, did, { ...p, epoch: headOf(w).read.epoch.epoch + 9 }),
  ],
  [
    'an epoch that is over',
    11,
    (w, did, p) => {
      const { epoch } = headOf(w).read.epoch
      return signed(w, did, { ...p, epoch: epoch === 0 ? 7 : epoch - 1 })
    },
  ],
  ['expired', 38, content({ validUntil: '2026-11-20T12:00:00.000Z' })],
  [
    'a number too many',
    11,
    (w, did, { seq, prev }) => signed(w, did, { seq: seq + 1, prev: prev ?? otherCid(w, did) }),
  ],
  [
    'another head',
    11,
    (w, did, { seq }) =>
      signed(w, did, {
        seq,
        ...(seq > 1 && { prev: otherCid(w, did) }),
        credits: seq > 1 ? [to('a', 1)] : [],
      }),
  ],
  ['a split one too much', 35, (w, did, place) => signed(w, did, { ...place, ...split(1, -1) })],
  ['a split one too little', 35, (w, did, place) => signed(w, did, { ...place, ...split(-1, 0) })],
  ['a split that is none', 35, content({ splitPolicy: 'no-such-policy' })],
  ['a reward by nobody', 24, content({ kind: 'karma_reward' })],
  ['to a pool', 24, content({ credits: [to('karma pool', 5)] })],
  [
    'the repo of another',
    11,
    (w, did, place) => ({
      record: signed(w, did, place as object as Record<string, unknown>),
      as: didOf('payer one'),
    }),
  ],
  ['longer than canonical', 36, (w, did, place) => longer(signed(w, did, { ...place }))],
  ['keys in another order', 36, (w, did, place) => reordered(signed(w, did, { ...place }))],
  [
    'bytes behind the end',
    36,
    (w, did, place) => Uint8Array.of(...signed(w, did, { ...place }), 0),
  ],
  ['a high s', 36, (w, did, place) => resigned(w, did, place, (one) => w.suite.withHighS(one))],
  [
    'a signature of chance',
    36,
    (w, did, place) => resigned(w, did, place, () => new Uint8Array(64).fill(7)),
  ],
  [
    'longer than a signature',
    36,
    (w, did, place) => resigned(w, did, place, () => new Uint8Array(70).fill(7)),
  ],
  [
    'the commit alone',
    22,
    (w, did, place) => bySigner(w, did, place, w.directory.signers(did).atproto),
  ],
  [
    'without the commit',
    23,
    (w, did, place) => ({ record: signed(w, did, { ...place }), car: new Uint8Array(64).fill(3) }),
  ],
  ['another’s key', 36, (w, did, place) => bySigner(w, did, place, w.suite.signer('crook key'))],
]

function otherCid({ suite }: World, text: string): string {
  return cidOf(suite.crypto, { text })
}

function split(first: number, last: number): object {
  const legs = [
    { ...to('maker', 15_000 + first), role: 'maker' },
    { ...to('fund', 85_001 + last), role: 'fund' },
  ]
  return { splitPolicy: 'work', credits: legs }
}

/** The first integer written in more bytes than it needs. */
function longer(record: Uint8Array): Uint8Array {
  const [first = 0] = record
  return Uint8Array.of(0xb8, first & 0x1f, ...record.slice(1))
}

/** The same map with its keys the other way round. */
function reordered(record: Uint8Array): Uint8Array {
  const entries = Object.entries(decode(record) as Record<string, unknown>).toReversed()
  const parts = entries.flatMap(([key, value]) => [encode(key), encode(value)])
  return Uint8Array.of(record[0]!, ...parts.flatMap((part) => [...part]))
}

function bySigner(
  world: World,
  account: string,
  place: Place,
  signer: Parameters<typeof signSpend>[0],
): Uint8Array {
  const { read } = orderOf(world, account, { ...place, credits: [to('crony', 1_000)] })
  return encodeRecord({ ...read.transfer, signatures: [signSpend(signer, read.id)] })
}

function resigned(
  world: World,
  account: string,
  place: Place,
  change: (signature: Uint8Array) => Uint8Array,
): Uint8Array {
  const { read } = orderOf(world, account, { ...place, credits: [to('crony', 1_000)] })
  const { angel } = world.directory.signers(account)
  const [first] = read.transfer.signatures
  const made = change(fromBytes(first!.signature).slice())
  const signatures = [{ $type: first!.$type, key: angel.didKey, signature: toBytes(made) }]
  return encodeRecord({ ...read.transfer, signatures })
}

/** Somebody who sends orders that no validator may vote for, one after the other, from its true
 *  place in the ledger. */
export function startCrook(world: World, account: string, place: () => Place): void {
  const { net } = world
  const random = world.random(`crook ${account}`)
  const step = (): void => {
    if (!world.isTroubled) return
    net.after(random.between(150, 450), account, 'tries a trick', step)
    const [name, scenario, make] = random.pick(TRICKS)
    if (name === 'an epoch that is over' && world.plan.has('epochs')) return
    const made = make(world, account, place())
    const { record, car, as = account } = made instanceof Uint8Array ? { record: made } : made
    const signer = world.directory.signers(as).atproto
    const submission = submissionOf(world, as, record, { atproto: signer.didKey, signer })
    world.met(scenario)
    const to = random.pick(membersOf(world))
    net.send(account, to, name, () =>
      world.nodes.get(to)!.order({ ...submission, ...(car && { car }) }, undefined, name),
    )
  }
  net.after(random.below(1_000), account, 'tries a trick', step)
}

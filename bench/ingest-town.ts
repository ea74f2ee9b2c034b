import { createHash } from 'node:crypto'
import { type Signer, signerFromPrivateKey } from '../src/crypto/ecdsa.ts'
import { co } from '../src/lexicons/index.ts'
import {
  type RepoState,
  change,
  commitMessage,
  firstState,
  frameOf,
  revOf,
} from '../test/simulator/repo.ts'
import { blockOf } from '../test/simulator/tree.ts'

/** An account with the repo that its host gives out. */
export type Townsman = { readonly did: string; readonly signer: Signer; state: RepoState }

/** Spaces with their members, and the frames of what these will say. */
export type Town = { readonly accounts: readonly Townsman[]; readonly frames: Uint8Array[] }

/** Each of them is a member of one space. */
const PEOPLE = 200

const SPACES = 20
const CHANNEL = '3m6bkl2222222'
const BEGIN = Date.UTC(2026, 9, 1)
const at = (second: number): string => new Date(BEGIN + second * 1_000).toISOString()

/** Makes a town: repos in which every space has a channel and members, and after that `count`
 *  commits of one create each, three messages to a product, by all people in turns. */
export function buildTown(count: number): Town {
  let micros = BEGIN * 1_000
  const nextRev = () => revOf((micros += 100_000))
  const accounts = Array.from({ length: SPACES + PEOPLE }, (_, n): Townsman => {
    const signer = signerFromPrivateKey(createHash('sha256').update(`town ${n}`).digest())
    const did = `did:plc:${n.toString(26).replaceAll(/\d/g, (d) => 'qrstuvwxyz'[Number(d)]!)}`
    return { did: did.padEnd(32, '2'), signer, state: undefined! }
  })
  const [spaces, people] = [accounts.slice(0, SPACES), accounts.slice(SPACES)]
  for (const each of accounts)
    each.state = firstState(each.did, { rev: nextRev(), signer: each.signer })
  for (const [n, space] of spaces.entries()) {
    const members = people.filter((_, p) => p % SPACES === n)
    const how = { rev: nextRev(), signer: space.signer }
    space.state = change(space.state, founding(space.did, members), how).after
  }
  const states = new Map(people.map((each) => [each, each.state]))
  const frames = Array.from({ length: count }, (_, n) => {
    const author = people[n % PEOPLE]!
    const space = spaces[(n % PEOPLE) % SPACES]!.did
    const rev = nextRev()
    const write = n % 4 === 3 ? product(n, rev) : message(n, rev, space)
    const made = change(states.get(author)!, [write], { rev, signer: author.signer })
    states.set(author, made.after)
    return frameOf(n + 1, commitMessage(made, at(0)))
  })
  return { accounts, frames }
}

function put(collection: string, rkey: string, record: Record<string, unknown>) {
  return { path: `${collection}/${rkey}`, block: blockOf({ $type: collection, ...record }) }
}

function founding(space: string, members: readonly Townsman[]) {
  const createdAt = at(0)
  return [
    put(co.kendev.spaces.space.$type, 'self', { name: 'Corner Garage', createdAt }),
    put(co.kendev.spaces.channel.$type, CHANNEL, { space, name: 'general', createdAt }),
    ...members.map(({ did }) =>
      put(co.kendev.spaces.membership.$type, did, {
        subject: did,
        role: 'member',
        joinedAt: createdAt,
      }),
    ),
  ]
}

function message(n: number, rkey: string, space: string) {
  return put(co.kendev.spaces.message.$type, rkey, {
    space,
    channel: `at://${space}/${co.kendev.spaces.channel.$type}/${CHANNEL}`,
    text: `The lift is free on Friday, and the caliper has come in. See you at nine? (${n})`,
    createdAt: at(n),
  })
}

function product(n: number, rkey: string) {
  return put(co.kendev.commerce.product.$type, rkey, {
    title: `Garage shirt ${n}`,
    productType: 'physical',
    pricing: { basePrice: 2500, currency: 'EUR' },
    categories: ['shirts'],
    createdAt: at(n),
  })
}

import { fromBytes, isBytes } from '@atcute/cbor'
import type { Identity } from '../identity/identity.ts'
import type { Outbound } from '../outbound/fetch.ts'
import { type ReadEpoch, committeeOf, readEpoch, walkEpochs } from '../tokens/epoch.ts'
import { type Refusal, isRefusal, refuse } from '../tokens/refusal.ts'
import { readSeal } from '../tokens/seal.ts'
import { fields, text } from '../tokens/shape.ts'
import type { TokenCrypto } from '../tokens/token-crypto.ts'
import type { Choices } from '../tokens/worth/epoch-choices.ts'
import { type KnownVouch, type PlanInput, countPersons } from '../tokens/worth/plan-epoch.ts'
import { accountKeys } from './account-keys.ts'
import { askPeer } from './ask-peer.ts'
import { everyItem } from './every-item.ts'

/** Where what a plan follows from is asked. */
export type PlanSources = {
  readonly crypto: TokenCrypto
  readonly fetch: Outbound
  /** Origin of a node that knows the ledger and the vouches. */
  readonly node: string
  readonly resolve: (did: string) => Promise<Identity | undefined>
}

/** Documents that are asked for at once. */
const AT_ONCE = 8

/** Whether they can count is asked later: anybody may vouch for a name that no account has. */
const name = text(2_048)
const vouchShape = fields(
  { did: name, to: name, createdAt: text(64) },
  { ledger: text(64), expiresAt: text(64) },
)

/**
 * Gathers what the next epoch's plan follows from: the chain of epochs from the first one, which is
 * `genesis` where that is said, the seals that the newest epoch names, from the validators that
 * have made them, the vouches that the node shows, and the device keys of the persons these make.
 * The time is when vouches are counted, milliseconds since 1970. Throws when something cannot be
 * had: what is planned of a part would be another plan.
 */
export async function gatherPlan(
  sources: PlanSources,
  choices: Choices,
  at: { readonly now: number; readonly genesis?: string },
): Promise<PlanInput | Refusal> {
  const chain = await readChain(sources, at.genesis)
  if (isRefusal(chain)) return chain
  const before = chain.at(-1)!
  const ended = chain.at(-2)
  const pays = choices.nodeRewards !== undefined && ended !== undefined
  const sealed = pays ? { epoch: ended, seals: await readSeals(sources, ended, before) } : undefined
  const vouches = choices.persons ? await readVouches(sources) : []
  const input = { before, choices, vouches, now: at.now }
  const persons = countPersons(input) ?? []
  const keys = await readKeys(
    sources,
    persons.map((one) => one.did),
  )
  return { ...input, keys, ...(sealed && { sealed }) }
}

async function readChain(
  { crypto, ...from }: PlanSources,
  genesis: string | undefined,
): Promise<ReadEpoch[] | Refusal> {
  const chain: ReadEpoch[] = []
  for await (const item of everyItem(from, 'readEpochs', { limit: 50 })) {
    const read = isBytes(item) ? readEpoch(crypto, fromBytes(item)) : refuse('Malformed', 'epoch')
    if (isRefusal(read)) return read
    chain.push(read)
  }
  const walked = walkEpochs(crypto, genesis ?? chain[0]?.id ?? '', chain)
  return isRefusal(walked) ? walked : chain
}

/** The seals on an epoch that the next one names, as far as their validators still have them. */
async function readSeals(
  { crypto, fetch }: PlanSources,
  ended: ReadEpoch,
  before: ReadEpoch,
): Promise<NonNullable<PlanInput['sealed']>['seals']> {
  const committee = committeeOf(ended)
  const { ledger, epoch } = committee
  const named = before.epoch.handover?.seals ?? []
  const found = named.map(async ({ validator }) => {
    const entry = ended.epoch.validators.find((one) => one.did === validator)
    const query = { ledger, epoch, limit: 1 }
    const reply = entry && (await askPeer(fetch, entry.endpoint, 'readSeal', { query }))
    const record = reply?.ok ? reply.body['seal'] : undefined
    const read = isBytes(record) ? readSeal(crypto, fromBytes(record), committee) : undefined
    return read && !isRefusal(read) ? [read] : []
  })
  return (await Promise.all(found)).flat()
}

async function readVouches(from: PlanSources): Promise<KnownVouch[]> {
  const vouches: KnownVouch[] = []
  for await (const item of everyItem(from, 'listVouches', { limit: 100 })) {
    const { author, person, ledger, createdAt, expiresAt } = item as Partial<ListedVouch>
    const until = { ...(ledger && { ledger }), ...(expiresAt && { expiresAt }) }
    const vouch = { did: author?.did, to: person?.did, createdAt, ...until }
    const fault = vouchShape(vouch, 'vouch')
    if (fault !== undefined) throw new Error(`${from.node} lists what is none: ${fault}`)
    vouches.push(vouch as KnownVouch)
  }
  return vouches
}

type ListedVouch = {
  readonly author: { readonly did: string }
  readonly person: { readonly did: string }
  readonly ledger?: string
  readonly createdAt: string
  readonly expiresAt?: string
}

/** The device keys of these accounts. Who has none can be no witness: the other key is held by
 *  whoever runs the account's PDS. One whose document cannot be had stops nobody else. */
async function readKeys(
  { resolve }: PlanSources,
  dids: readonly string[],
): Promise<Map<string, string>> {
  const keys = new Map<string, string>()
  const left = [...dids]
  const work = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const identity = await resolve(next).catch(() => undefined)
      const { angel } = identity ? accountKeys(identity) : {}
      if (angel !== undefined) keys.set(next, angel)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return keys
}

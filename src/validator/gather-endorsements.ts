import { toBytes } from '@atcute/cbor'
import type { Outbound } from '../outbound/fetch.ts'
import { cid, did, fields, int, oneOf, text } from '../tokens/shape.ts'
import { ENDORSEMENT, type Endorsed } from '../tokens/worth/endorsement.ts'
import { everyItem } from './every-item.ts'

const ROLES = ['witness', 'approver'] as const
const viewShape = fields({
  did,
  ledger: cid,
  epoch: int(0),
  pool: did,
  seq: int(1),
  role: oneOf(...ROLES),
  content: cid,
  signature: text(128, /^[0-9a-f]{128}$/),
  createdAt: text(64),
})

/**
 * The words of witnesses and approvers on one transfer of a pool, as a node shows them. Which ones
 * count is for `withWitnesses` and `withApprovals` to say; what is of no form is left out. Throws
 * when the node does not answer.
 */
export async function gatherEndorsements(
  from: { readonly fetch: Outbound; readonly node: string },
  of: {
    readonly ledger: string
    readonly epoch: number
    readonly pool: string
    readonly seq: number
  },
): Promise<Endorsed[]> {
  const { ledger, epoch, pool, seq } = of
  const words: Endorsed[] = []
  for await (const item of everyItem(from, 'listEndorsements', { pool, epoch, limit: 100 })) {
    const read = endorsedOf(item)
    const about = read?.endorsement
    if (about?.ledger === ledger && about.seq === seq && about.pool === pool) words.push(read!)
  }
  return words
}

type View = {
  readonly author?: { readonly did: string }
  readonly pool?: { readonly did: string }
  readonly ledger: string
  readonly epoch: number
  readonly seq: number
  readonly role: (typeof ROLES)[number]
  readonly content: string
  readonly signature: string
  readonly createdAt: string
}

function endorsedOf(item: unknown): Endorsed | undefined {
  const view = (typeof item === 'object' && item !== null ? item : {}) as View
  const { ledger, epoch, seq, role, content, createdAt } = view
  const [by, pool] = [view.author?.did, view.pool?.did]
  const told = { did: by, ledger, epoch, pool, seq, role, content, createdAt }
  if (viewShape({ ...told, signature: view.signature }, 'endorsement') !== undefined)
    return undefined
  const signature = toBytes(new Uint8Array(Buffer.from(view.signature, 'hex')))
  const about = { ledger, epoch, pool: pool!, seq, role, content, signature, createdAt }
  return { did: by!, endorsement: { $type: ENDORSEMENT, ...about } }
}

import { nativeCrypto as crypto } from '../../crypto/native.ts'
import { type ReadEpoch, checkSuccession, readEpoch } from '../../tokens/epoch.ts'
import { isRefusal } from '../../tokens/refusal.ts'
import { epoch as epochs } from '../collections/tokens/epoch.ts'
import type { Sql } from '../sql.ts'
import type { TokenLedger } from './token-ledgers.ts'

/** The epochs of a ledger, one after the other, from the pinned first one on. */
export type Chain = readonly Pick<ReadEpoch, 'epoch' | 'id'>[]

/** Finds the epochs of a ledger that this node has read, each signed by a quorum of the validators
 *  before it. What has once followed is kept: a record that goes takes nothing back. */
export async function followChain(
  tx: Sql,
  { genesis, governance }: TokenLedger,
  known: Chain = [],
): Promise<Chain> {
  const chain = [...known, ...(await keptFrom(tx, genesis, known.length))]
  for (;;) {
    const { rows } = await tx.query<{ bytes: Buffer }>(CANDIDATES, [
      governance,
      epochs.nsid,
      genesis,
      chain.length,
    ])
    const next = rows.find(({ bytes }) => follows(chain, genesis, read(bytes)))
    if (!next) return chain
    const found = read(next.bytes)!
    await tx.query(KEEP, [genesis, chain.length, found.id, next.bytes])
    chain.push(found)
  }
}

/** Canonical records of the epochs that were found to follow, from a number on. */
export async function keptEpochs(
  sql: Sql,
  ledger: string,
  { from, limit }: { readonly from: number; readonly limit: number },
): Promise<Uint8Array[]> {
  const { rows } = await sql.query<{ bytes: Buffer }>(`${KEPT} limit $3`, [ledger, from, limit])
  return rows.map(({ bytes }) => new Uint8Array(bytes))
}

async function keptFrom(tx: Sql, genesis: string, from: number): Promise<Chain> {
  const { rows } = await tx.query<{ bytes: Buffer }>(KEPT, [genesis, from])
  return rows.flatMap(({ bytes }) => read(bytes) ?? [])
}

function read(bytes: Uint8Array): Pick<ReadEpoch, 'epoch' | 'id'> | undefined {
  const found = readEpoch(crypto, new Uint8Array(bytes))
  return isRefusal(found) ? undefined : { epoch: found.epoch, id: found.id }
}

function follows(chain: Chain, genesis: string, next: Chain[number] | undefined): boolean {
  if (!next) return false
  const before = chain.at(-1)
  if (!before) return next.id === genesis
  return checkSuccession(crypto, before, next) === undefined
}

const KEPT = `select bytes from node."tokenEpoch" where ledger = $1 and epoch >= $2 order by epoch`

const CANDIDATES = `select r.bytes from appview."tokenEpoch" e
  join appview.record r on r.did = e.did and r.collection = $2 and r.rkey = e.rkey
  where e.did = $1 and e.ledger = $3 and e.epoch = $4 and r.bytes is not null order by e.uri`

const KEEP = `insert into node."tokenEpoch" (ledger, epoch, id, bytes) values ($1, $2, $3, $4)`

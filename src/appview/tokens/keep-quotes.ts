import { nativeCrypto as crypto } from '../../crypto/native.ts'
import { isRefusal } from '../../tokens/refusal.ts'
import { readTransfer } from '../../tokens/transfer.ts'
import { knownUri } from '../reference.ts'
import type { Sql } from '../sql.ts'

const AT_ONCE = 500

/** Keeps the quotes for exchanges that are paid on a ledger, so that no provider takes one back by
 *  deleting or changing its record, and notes which transfers name one. */
export async function keepQuotes(tx: Sql, genesis: string): Promise<void> {
  await tx.query(KEEP, [genesis])
  for (;;) {
    const { rows } = await tx.query<Row>(UNSEEN, [genesis, AT_ONCE])
    if (rows.length === 0) return
    await tx.query(SEEN, [JSON.stringify(rows.map(quoteIn))])
  }
}

type Row = { id: string; account: string; bytes: Buffer }

function quoteIn({ id, account, bytes }: Row): { id: string; quote: string; quoteCid?: string } {
  const read = readTransfer(crypto, account, new Uint8Array(bytes))
  const named = isRefusal(read) ? undefined : read.transfer.exchange?.quote
  return named ? { id, quote: knownUri(named.uri), quoteCid: named.cid } : { id, quote: '' }
}

const KEEP = `insert into node."tokenQuote"
    (uri, cid, provider, customer, paid, content, "createdAt")
  select q.uri, q.cid, q.did, q.customer, q.paid, q.content, q."createdAt"
  from appview."tokenExchangeQuote" q
  where q.paid = $1 and not exists (
    select 1 from node."tokenQuote" k where k.uri = q.uri and k.cid = q.cid)`

const UNSEEN = `select id, account, bytes from node."tokenContent"
  where ledger = $1 and quote is null limit $2`

const SEEN = `update node."tokenContent" k set quote = f.quote, "quoteCid" = f."quoteCid"
  from json_to_recordset($1::json) as f(id text, quote text, "quoteCid" text) where k.id = f.id`

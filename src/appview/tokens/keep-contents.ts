import { nativeCrypto as crypto } from '../../crypto/native.ts'
import { isRefusal } from '../../tokens/refusal.ts'
import { readTransfer } from '../../tokens/transfer.ts'
import { paddedSeq } from '../collections/tokens/core-form.ts'
import { transfer as transfers } from '../collections/tokens/transfer.ts'
import { knownUri } from '../reference.ts'
import type { Sql } from '../sql.ts'

/** Keeps what the transfers say that good certificates are about, so that nobody takes one back by
 *  deleting its record. A certificate whose names are not the transfer's does not count. */
export async function keepContents(tx: Sql, genesis: string): Promise<void> {
  const { rows } = await tx.query<Found>(FOUND, [genesis, transfers.nsid])
  const kept = rows.flatMap(({ id, uri, account, bytes }) => {
    const read = readTransfer(crypto, account, new Uint8Array(bytes))
    if (isRefusal(read) || read.id !== id) return []
    const { ledger, epoch, seq, ref } = read.transfer
    return [
      {
        id,
        uri,
        ledger,
        epoch,
        account,
        seq: paddedSeq(seq),
        ref: ref && knownUri(ref.uri),
        hex: bytes.toString('hex'),
      },
    ]
  })
  if (kept.length > 0) await tx.query(KEEP, [JSON.stringify(kept)])
}

type Found = { id: string; uri: string; account: string; bytes: Buffer }

const FOUND = `select distinct on (t.id) t.id, t.uri, t.did as account, r.bytes
  from appview."tokenTransfer" t
  join appview.record r on r.did = t.did and r.collection = $2 and r.rkey = t.rkey
  where t.ledger = $1 and r.bytes is not null
    and exists (select 1 from node."tokenJudgement" j
      where j.transfer = t.id and j.reason is null and j.ledger = t.ledger and j.epoch = t.epoch
        and j.account = t.did and j.seq = t.seq)
    and not exists (select 1 from node."tokenContent" k where k.id = t.id)`

const KEEP = `insert into node."tokenContent" (id, uri, ledger, epoch, account, seq, ref, bytes)
  select id, uri, ledger, epoch, account, seq, ref, decode(hex, 'hex')
  from json_to_recordset($1::json) as f(
    id text, uri text, ledger text, epoch integer, account text, seq text, ref text, hex text)
  on conflict (id) do nothing`

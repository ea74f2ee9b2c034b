import { selectOf } from '../serve-list.ts'
import { transfer } from '../collections/tokens/transfer.ts'
import type { Row } from '../define.ts'

/** What became of a transfer, beside its row. */
export type TransferState = {
  status: 'pending' | 'confirmed' | 'failed' | 'reversed'
  isTaken: boolean
  isCounted: boolean | null
  standing: 'open' | 'settled' | 'unproven' | null
  epochId: string | null
  proof: string | null
  phase: 'lock' | 'apply' | null
  time: Date | null
  signers: string[] | null
  judgedAt: Date | null
  foldedAt: Date | null
  back: string | null
  reversals: number
  reversedBy: string | null
  /** Of the quote that an exchange names. */
  num: string | null
  den: string | null
  /** Why validators have last refused this version of it. */
  refused: string | null
  refusedFor: string | null
  refusedAt: Date | null
}

/** A transfer's row with what became of it. */
export type StatedTransfer = Row & TransferState

/** Of several good certificates of a transfer the one that says most. */
const BEST = `left join lateral (
    select j.uri, j.phase, j.time, j.signers, j."judgedAt" from node."tokenJudgement" j
    where j.transfer = t.id and j.reason is null and j.account = t.did
    order by j.phase, j.time, j.uri limit 1) j on true`

/** What the sender has been given back: by who had got it, in transfers that count and name it. */
const BACK = `left join lateral (
    select sum(p.amount)::text as back, count(distinct r.id)::int as reversals,
      max(r.uri) as "reversedBy"
    from node."tokenContent" r join node."tokenPosting" p
      on p.transfer = r.id and p.account = t.did and p.amount > 0
    where r.ref = t.uri and r.ledger = t.ledger and r."isCounted"
      and exists (select 1 from jsonb_array_elements(t.content->'credits') c
        where c->>'to' = r.account)) b on true`

/** The rate of the quote that an exchange names. */
const QUOTED = `left join lateral (
    select q.content->>'num' as num, q.content->>'den' as den from node."tokenQuote" q
    where q.uri = t.content->'exchange'->'quote'->>'uri'
      and q.cid = t.content->'exchange'->'quote'->>'cid') x on true`

/** Whether another transfer has the number: for good, or by a promise of the same epoch. */
const TAKEN = `(exists (select 1 from node."tokenContent" o
      where o.ledger = t.ledger and o.account = t.did and o.seq = t.seq and o.id <> t.id
        and o."isCounted")
    or (j.uri is null and exists (select 1 from node."tokenJudgement" o
      where o.ledger = t.ledger and o.account = t.did and o.seq = t.seq and o.transfer <> t.id
        and o.epoch = t.epoch and o.reason is null)))`

/** What was given without the fee, which nobody gives back. */
const DUE = `(select sum((c->>'amount')::bigint) from jsonb_array_elements(t.content->'credits') c
    where c->>'role' is distinct from 'fee')`

/** The states of a transfer: it stays as it is, and what gives it back is another one. */
const STATUS = `case
    when k."isCounted" and b.back::bigint >= ${DUE} then 'reversed'
    when k."isCounted" then 'confirmed'
    when ${TAKEN} or e.standing = 'settled' then 'failed'
    when j.uri is not null then 'confirmed'
    else 'pending' end`

const JOINED = selectOf(transfer).replace(
  ' from ',
  `, ${STATUS} as status, ${TAKEN} as "isTaken", k."isCounted", e.standing, e.id as "epochId",
    j.uri as proof, j.phase, j.time, j.signers, j."judgedAt", e."foldedAt", b.back,
    coalesce(b.reversals, 0) as reversals, b."reversedBy", x.num, x.den,
    f.reason as refused, f.detail as "refusedFor", f.at as "refusedAt" from `,
)

/** Every transfer with what became of it, as a table to ask. */
export const STATED = `(select ${JOINED}
  left join node."tokenContent" k on k.id = t.id
  left join node."tokenEpoch" e on e.ledger = t.ledger and e.epoch = t.epoch
  left join node."tokenRefusal" f on f.uri = t.uri and f.cid = t.cid
  ${BEST} ${BACK} ${QUOTED})`

import type { KeptRefusal } from '../firehose/plan.ts'
import type { Sql } from './sql.ts'

const DETAIL_MAX = 1_000

/** Keeps what was refused of a host, for the operator; keeping it again changes nothing. */
export async function keepRefused(
  tx: Sql,
  { host, now }: { host: string; now: Date },
  refused: readonly KeptRefusal[],
): Promise<void> {
  if (refused.length === 0) return
  await tx.query(KEEP, [
    host,
    now,
    refused.map(({ seq }) => seq),
    refused.map(({ did }) => did),
    refused.map(({ reason }) => reason),
    // The detail may quote what Postgres cannot hold.
    refused.map(({ detail }) =>
      detail.slice(0, DETAIL_MAX).replaceAll('\0', '\uFFFD').toWellFormed(),
    ),
    refused.map(({ frame }) => Buffer.from(frame)),
  ])
  await tx.query(FORGET_OLD, [host])
}

const KEEP = `insert into appview."refusedCommit"
    (host, "refusedAt", seq, did, reason, detail, frame)
  select $1, $2, v.* from unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::bytea[])
    as v(seq, did, reason, detail, frame)
  where not exists (select 1 from appview."refusedCommit" r
    where r.host = $1 and r.seq = v.seq and r.did = v.did and r.reason = v.reason)`

/** A host that sends nothing but nonsense must not fill the disk: only its newest is kept. */
const FORGET_OLD = `delete from appview."refusedCommit" where host = $1 and id <=
  (select id from appview."refusedCommit" where host = $1 order by id desc offset 1000 limit 1)`

import { type Sql, type SqlPool, transaction } from '../src/database/sql.ts'

/** Rows of the same shape as a business decision writes, by bare transactions on the same pool. */
export type BareBusiness = {
  /** An order: its record and its terms with their log, a unit of stock, a number, a key, jobs. */
  order(): Promise<void>
  /** An appointment: three records with their log, its time at a bay and of a person, jobs. */
  booking(): Promise<void>
}

const ORDER_BYTES = 1_400
const SIDECAR_BYTES = 500
const HOUR = 3_600_000

/** Makes the tables, which nothing else uses. */
export async function bareBusiness(pool: SqlPool): Promise<BareBusiness> {
  for (const statement of TABLES) await pool.query(statement)
  let n = 0
  const record = (tx: Sql, key: string, bytes: number) =>
    tx.query(RECORD, [key, Buffer.alloc(bytes, 120), key])
  return {
    order: () =>
      transaction(pool, async (tx) => {
        const key = `o${(n += 1)}`
        const sold = await tx.query(STOCK)
        if (sold.rowCount !== 1) throw new Error('the bench has sold out')
        await tx.query('update bare.series set last = last + 1 returning last')
        await record(tx, key, ORDER_BYTES)
        await record(tx, `${key}t`, SIDECAR_BYTES)
        await tx.query('insert into bare.once (key, answer) values ($1, $2)', [key, '{}'])
        await tx.query(JOB, [key, 2])
      }),
    booking: () =>
      transaction(pool, async (tx) => {
        const at = (n += 1)
        const start = new Date(Date.UTC(2030, 0, 1) + Math.floor(at / 10) * 2 * HOUR)
        const end = new Date(start.getTime() + HOUR)
        await tx.query(BUSY, [`bay${at % 10}`, `staff${at % 10}`, `b${at}`, start, end])
        await record(tx, `b${at}`, ORDER_BYTES)
        await record(tx, `b${at}n`, SIDECAR_BYTES)
        await record(tx, `b${at}t`, SIDECAR_BYTES)
        await tx.query('insert into bare.once (key, answer) values ($1, $2)', [`b${at}`, '{}'])
        await tx.query(JOB, [`b${at}`, 3])
      }),
  }
}

const TABLES = [
  'create schema bare',
  `create table bare.record (key text primary key, bytes bytea not null)`,
  `create table bare.oplog (key text primary key, cid text not null)`,
  `create table bare.audit (key text primary key, hash bytea not null)`,
  `create table bare.stock (item text primary key, left_ integer not null check (left_ >= 0))`,
  `insert into bare.stock values ('one', 100000000)`,
  'create table bare.series (last bigint not null)',
  'insert into bare.series values (0)',
  'create table bare.once (key text primary key, answer jsonb not null)',
  'create table bare.job (key text, n integer, data jsonb not null, primary key (key, n))',
  `create table bare.busy (resource text not null, booking text not null, kind text not null,
    during tstzrange not null, primary key (booking, resource, kind),
    exclude using gist (resource with =, booking with <>, kind with <>, during with &&))`,
]

const RECORD = `with r as (insert into bare.record (key, bytes) values ($1, $2)),
  a as (insert into bare.audit (key, hash) values ($1, decode(md5($1), 'hex')))
  insert into bare.oplog (key, cid) values ($3, $3)`
const STOCK = `update bare.stock set left_ = left_ - 1 where item = 'one' and left_ >= 1`
const JOB = `insert into bare.job (key, n, data) select $1, n, '{"a":1}' from generate_series(1, $2) n`
const BUSY = `insert into bare.busy (resource, booking, kind, during)
  select r, $3, k, tstzrange($4, $5) from unnest(array[$1, $2]) r, unnest(array['core', 'padded']) k`

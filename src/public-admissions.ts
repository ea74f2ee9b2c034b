import type { RepoWriter, Written } from './appview/own-record.ts'
import type { Clock } from './clock.ts'
import type { Sql, SqlPool } from './database/sql.ts'
import { co } from './lexicons/index.ts'
import { setAdmission } from './permissioned/store/admission.ts'

const MEMBERSHIP = co.kendev.spaces.membership.$type

/** Public spaces have staff and managers as well, whose roles stand in public memberships. Who
 *  writes those lies outside the transaction that keeps admissions: so what is taken away ends
 *  before the record changes, what is given begins after, and a stop in between leaves nobody too
 *  much. */
export function admittingWriter(
  writer: RepoWriter,
  { pool, clock }: { pool: SqlPool; clock: Clock },
): RepoWriter {
  const set = (authority: string, subject: string, told: { role?: string; rev: string }) =>
    setAdmission(pool, { authority, subject, role: told.role, rev: told.rev }, clock.now())
  const around = async (
    did: string,
    memberships: readonly { rkey: string; role: string | undefined }[],
    write: () => Promise<Written>,
  ) => {
    if (memberships.length === 0 || !(await hasAudiences(pool, did))) return write()
    for (const { rkey, role } of memberships)
      if ((await roleOf(pool, did, rkey)) !== role) await set(did, rkey, { rev: '' })
    const written = await write().catch(async (error: unknown) => {
      await alignAdmissions(pool, did)
      throw error
    })
    for (const { rkey, role } of memberships)
      if (role !== undefined) await set(did, rkey, { role, rev: written.rev })
    return written
  }
  const among = (puts: readonly { collection: string; rkey: string; record?: Content }[]) =>
    puts
      .filter(({ collection }) => collection === MEMBERSHIP)
      .map(({ rkey, record }) => ({ rkey, role: record && String(record['role']) }))
  return {
    putRecord: (w) => around(w.did, among([w]), () => writer.putRecord(w)),
    deleteRecord: (w) => around(w.did, among([w]), () => writer.deleteRecord(w)),
    putAll: (w) => around(w.did, among(w.puts), () => writer.putAll(w)),
    createAll: (w) => writer.createAll(w),
    head: (at) => writer.head(at),
  }
}

type Content = Readonly<Record<string, unknown>>

async function hasAudiences(sql: Sql, authority: string): Promise<boolean> {
  const { rows } = await sql.query('select 1 from repo.space where authority = $1 limit 1', [
    authority,
  ])
  return rows.length > 0
}

async function roleOf(sql: Sql, authority: string, subject: string): Promise<string | undefined> {
  const { rows } = await sql.query<{ role: string }>(
    'select role from repo.admission where authority = $1 and subject = $2',
    [authority, subject],
  )
  return rows[0]?.role
}

/** Makes the admissions of public spaces what their memberships say: of one when its first audience
 *  is made, of all at start, after a stop that came between record and admission. */
export async function alignAdmissions(sql: Sql, authority?: string): Promise<void> {
  await sql.query(DISMISS, [authority ?? null])
  await sql.query(ADMIT, [authority ?? null])
}

const DISMISS = `delete from repo.admission a using appview.space s
  where s.did = a.authority and s.place = '' and ($1::text is null or a.authority = $1)
    and not exists (select 1 from appview.membership m
      where m.did = a.authority and m.subject = a.subject and m.role = a.role)`

const ADMIT = `insert into repo.admission (authority, subject, role, status, rev)
  select m.did, m.subject, m.role, 'active', m.rev from appview.membership m
  join appview.space s on s.did = m.did and s.place = ''
  where m.place = '' and ($1::text is null or m.did = $1)
    and exists (select 1 from repo.space h where h.authority = m.did)
  on conflict do nothing`

import type { Sql } from '../../database/sql.ts'
import { type CallOutcome, callService } from './call-service.ts'
import type { Parcel, Queue } from './deliver.ts'
import type { HostPorts } from '../ports.ts'
import { parseSpace } from '../space-ref.ts'
import { SPACE_HOST, nsid } from '../wire.ts'

type Ports = Pick<HostPorts, 'resolver' | 'outbound' | 'accounts' | 'timers'>
type Moved = Parcel & { space: string; did: string; rev: string; hash: Uint8Array }
type Forwarded = Moved & { service: string; spaceRev: string; prevSpaceRev: string | null }
type Notice = Parcel & { space: string; to: string; kind: string; subjects: string[] }

const BATCH = 16
/** Revocations that go into one notice. */
const SUBJECTS_MAX = 100

/** What the hosts of spaces elsewhere are to be told of the writes of this node's repos. `here`
 *  takes what is for a space that is hosted here after all; undefined leaves it to the wire. */
export function outboxQueue(
  sql: Sql,
  ports: Ports,
  here: (moved: Moved) => Promise<CallOutcome | undefined>,
): Queue<Moved> {
  const table = tableOf<Moved>(sql, 'outbox', ['space', 'did'])
  return {
    ...table,
    send: async (moved) => {
      const { space, did, rev, hash } = moved
      const body = { space, repo: did, repoRev: rev, hash: bytesJson(hash) }
      const aud = `${parseSpace(space)?.authority ?? ''}${SPACE_HOST}`
      const taken = await here(moved)
      return taken ?? callService(ports, { iss: did, aud, lxm: nsid.notifyWrite, body })
    },
    done: (moved) => table.done(moved, 'rev', moved.rev),
  }
}

/** What registered syncers are to be told of the writes in the spaces hosted here. */
export function forwardQueue(sql: Sql, ports: Ports): Queue<Forwarded> {
  const table = tableOf<Forwarded>(sql, 'forward', ['space', 'service', 'did'])
  return {
    ...table,
    send: async ({ space, service, did, rev, hash, spaceRev, prevSpaceRev }) => {
      const place = { spaceRev, ...(prevSpaceRev !== null && { prevSpaceRev }) }
      const body = { space, repo: did, repoRev: rev, hash: bytesJson(hash), ...place }
      const iss = parseSpace(space)?.authority ?? ''
      return callService(ports, { iss, aud: service, lxm: nsid.notifyWrite, body })
    },
    done: (forwarded) => table.done(forwarded, 'spaceRev', forwarded.spaceRev),
  }
}

/** Revoked credentials, which the hosts of repos are to be told of, and deleted spaces, which
 *  registered syncers are. Revocations for one host go together. */
export function noticeQueue(sql: Sql, ports: Ports): Queue<Notice> {
  const keyOf = ({ space, to, kind, subjects }: Notice) => [space, to, kind, subjects]
  return {
    name: 'notice',
    claim: async (now, until) => {
      const { rows } = await sql.query<Notice>(CLAIM_NOTICES, [now, until, BATCH * SUBJECTS_MAX])
      return rows.flatMap((row) => inParts(row))
    },
    send: async ({ space, to: aud, kind, subjects }) => {
      const iss = parseSpace(space)?.authority ?? ''
      if (kind === 'deleted')
        return callService(ports, { iss, aud, lxm: nsid.notifySpaceDeleted, body: { space } })
      const body = { space, credentials: subjects }
      return callService(ports, { iss, aud, lxm: nsid.notifyCredentialRevoked, body })
    },
    done: async (notice) => {
      await sql.query(`delete from repo.notice where ${NOTICE_KEY}`, keyOf(notice))
    },
    later: async (notice, at, reason) => {
      const set = `update repo.notice set "nextAt" = $5, reason = $6 where ${NOTICE_KEY}`
      await sql.query(set, [...keyOf(notice), at, reason])
    },
    nextAt: () => earliest(sql, 'notice'),
  }
}

function inParts(notice: Notice): Notice[] {
  const parts: Notice[] = []
  for (let at = 0; at < notice.subjects.length; at += SUBJECTS_MAX)
    parts.push({ ...notice, subjects: notice.subjects.slice(at, at + SUBJECTS_MAX) })
  return parts
}

const NOTICE_KEY = 'space = $1 and "to" = $2 and kind = $3 and subject = any($4)'

const CLAIM_NOTICES = `
  with due as (
    select space, "to", kind, subject from repo.notice where "nextAt" <= $1
    order by "nextAt" limit $3 for update skip locked
  ), claimed as (
    update repo.notice n set attempts = n.attempts + 1, "nextAt" = $2 from due d
    where n.space = d.space and n."to" = d."to" and n.kind = d.kind and n.subject = d.subject
    returning n.*
  )
  select space, "to", kind, array_agg(subject) as subjects, max(attempts) as attempts,
    max(until) as until
  from claimed group by space, "to", kind`

/** What queues of the newest state of each repo have in common. */
function tableOf<R extends Parcel>(sql: Sql, name: 'outbox' | 'forward', key: readonly string[]) {
  const keyOf = (row: R) => key.map((column) => row[column as keyof R])
  const isRow = key.map((column, n) => `${column} = $${n + 1}`).join(' and ')
  const joined = key.map((column) => `t.${column} = d.${column}`).join(' and ')
  const next = key.length + 1
  return {
    name,
    claim: async (now: Date, until: Date): Promise<R[]> => {
      const { rows } = await sql.query<R>(
        `with due as (
           select ${key.join(', ')} from repo.${name} where "nextAt" <= $1
           order by "nextAt" limit $3 for update skip locked
         )
         update repo.${name} t set attempts = t.attempts + 1, "nextAt" = $2 from due d
         where ${joined} returning t.*`,
        [now, until, BATCH],
      )
      return rows
    },
    done: async (row: R, column: 'rev' | 'spaceRev', sent: string): Promise<void> => {
      const { rowCount } = await sql.query(
        `delete from repo.${name} where ${isRow} and "${column}" = $${next}`,
        [...keyOf(row), sent],
      )
      // What was written meanwhile is to be told without delay.
      if (!rowCount)
        await sql.query(
          `update repo.${name} set attempts = 0, "nextAt" = 'epoch' where ${isRow}`,
          keyOf(row),
        )
    },
    later: async (row: R, at: Date, reason: string): Promise<void> => {
      const set = `update repo.${name} set "nextAt" = $${next}, reason = $${next + 1} where ${isRow}`
      await sql.query(set, [...keyOf(row), at, reason])
    },
    nextAt: () => earliest(sql, name),
  }
}

async function earliest(sql: Sql, name: string): Promise<Date | undefined> {
  const { rows } = await sql.query<{ at: Date | null }>(
    `select min("nextAt") as at from repo.${name}`,
  )
  return rows[0]?.at ?? undefined
}

function bytesJson(bytes: Uint8Array): { $bytes: string } {
  return { $bytes: Buffer.from(bytes).toString('base64').replace(/=+$/, '') }
}

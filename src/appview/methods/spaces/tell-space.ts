import type { Job, Outbox } from '../../../jobs/jobs.ts'
import { rolesOf } from '../../../permissioned/audience.ts'
import { noticeJob } from '../../notify.ts'
import { spaceName } from '../../space-name.ts'
import type { Sql } from '../../sql.ts'

type Deps = { readonly sql: Sql; readonly outbox: Outbox }

/** Of a space with more, those that came first are told. */
const TOLD_MAX = 50

/** Tells those who manage the members of a space that somebody asks to join it. */
export async function tellManagers(
  { sql, outbox }: Deps,
  { space, who, key }: { space: string; who: string; key: string },
): Promise<void> {
  const { rows } = await sql.query<{ did: string }>(
    `select subject as did from appview.membership
     where did = $1 and active and status = 'active'
       and (role = any($2) or 'manage_members' = any(permissions))
     order by "joinedAt", uri limit ${TOLD_MAX}`,
    [space, rolesOf('staff', 'read')],
  )
  const data = { who, space: await spaceName(sql, space) }
  const jobs = rows.map(({ did }) =>
    noticeJob({ recipient: did, kind: 'joinRequested', key, data, subject: space }),
  )
  await queueAll(outbox, jobs)
}

/** Tells somebody what a space has decided about them. */
export async function tellDecision(
  { sql, outbox }: Deps,
  told: {
    kind: 'joinDecided' | 'spaceStandingChanged'
    space: string
    recipient: string
    key: string
    data: Readonly<Record<string, string>>
  },
): Promise<void> {
  const { kind, space, recipient, key } = told
  const data = { ...told.data, space: await spaceName(sql, space) }
  await queueAll(outbox, [noticeJob({ recipient, kind, key, data, subject: space })])
}

async function queueAll(outbox: Outbox, jobs: readonly Job[]): Promise<void> {
  await outbox.transact(async (_tx, queue) => {
    for (const job of jobs) await queue(job)
  })
}

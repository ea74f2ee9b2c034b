import { join } from 'node:path'
import { type Notice, NOTIFY, tell } from './appview/notify.ts'
import { INVITE, sendInvitation } from './appview/tenant-invitation.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import type { Database } from './database/database.ts'
import type { SqlPool } from './database/sql.ts'
import { type Jobs, openJobs } from './jobs/jobs.ts'
import type { Log } from './log.ts'
import { type SendMail, openMail } from './mail/mail.ts'
import type { NodePds } from './open-pds.ts'

/** What is done beside requests, and the letters that are sent for it. */
export type NodeJobs = { readonly jobs: Jobs & AsyncDisposable; readonly sendMail: SendMail }

/** Opens the job queues and begins to tell people what they are to be told. */
export async function openNodeJobs(options: {
  config: Config
  database: Database
  dataDir: string
  pds: NodePds
  clock: Clock
  nextTid: () => string
  log: Log
}): Promise<NodeJobs> {
  const { config, database, dataDir, pds, clock, nextTid, log } = options
  const sql = database.pool as unknown as SqlPool
  const sendMail = openMail({
    smtpUrl: config.ANGELOS_SMTP_URL,
    from: config.ANGELOS_EMAIL_FROM ?? `angelos@${config.ANGELOS_HOSTNAME}`,
    folder: join(dataDir, 'mail'),
    hostname: config.ANGELOS_HOSTNAME,
  })
  pds.keepLetters(sendMail)
  await using opened = new AsyncDisposableStack()
  const jobs = opened.use(await openJobs({ pool: sql, log }))
  const telling = { sql, clock, nextTid, sendMail, emailOf: pds.emailOf }
  await jobs.work(NOTIFY, (notice) => tell(telling, notice as unknown as Notice))
  const inviting = { sql, now: () => clock.now(), sendMail, node: config.publicUrl }
  await jobs.work(INVITE, (at) => sendInvitation(inviting, at as { tenant: string; id: string }))
  opened.move()
  return { jobs, sendMail }
}

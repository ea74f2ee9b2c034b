import type { Job } from '../../../jobs/jobs.ts'
import type { Appointment } from '../../booking/appointment-change.ts'
import { toldTime } from '../../booking/local-time.ts'
import { noticeJob } from '../../notify.ts'

/** What customers do that whoever does the work is told of. */
const WORDS: Readonly<Record<string, string>> = {
  booked: 'is booked',
  rescheduled: 'is moved',
  cancelled: 'is cancelled',
}

/** Jobs that tell whoever does the work what a customer has done; of what waits for them too. */
export function staffJobs(
  uri: string,
  { title, startTime, timezone, status, sequence }: Appointment,
  { staff = [], news }: { staff?: readonly string[] | undefined; news: string },
): Job[] {
  const said = WORDS[news]
  if (said === undefined) return []
  const data = {
    what: title ?? 'An appointment',
    when: toldTime(Date.parse(startTime), timezone),
    news: status === 'scheduled' ? `${said} and waits to be confirmed` : said,
  }
  const key = `${uri} ${news} ${sequence}`
  return staff.map((recipient) =>
    noticeJob({ recipient, kind: 'workNews', key, subject: uri, data }),
  )
}

import type { Log } from '../log.ts'
import type { Acting } from './act.ts'
import { channelReport } from './collections/spaces/channel-report.ts'
import { message } from './collections/spaces/message.ts'
import type { Collection } from './define.ts'
import type { Guests } from './own-record.ts'
import { type Aging, type Keeping, type Retention, dueEntries, dueUpTo } from './retention.ts'
import { archiveEntries, deleteEntry } from './retire-entry.ts'
import { tableName, quote } from './schema.ts'

/** What carrying out retention needs. */
export type Retiring = Acting & {
  readonly guests: Pick<Guests, 'deleteRecord'>
  readonly isHosted: (did: string) => Promise<boolean>
  readonly log: Log
}

/** A channel of a space hosted here, and how long it keeps its entries. */
export type KeptChannel = Keeping & { readonly uri: string; readonly space: string }

/** An entry that is due. */
export type DueEntry = Aging & {
  readonly did: string
  readonly rkey: string
  readonly cid: string
  readonly place: string
  readonly collection: string
}

/** What a run has done. */
export type Retired = { archived: number; deleted: number; failed: number }

/** So many entries are looked at between two looks at the database. */
const BATCH = 100
/** The most of one channel in one run: a channel that begins to delete does not hold up others. */
const BATCHES_MAX = 100
const CHANNELS = 200
/** A run ends before its job would be taken for lost, and begun again beside it. */
const RUN_MS = 600_000

/** What has an age in a channel, and the column that tells it. */
const KINDS: readonly (readonly [Collection, string])[] = [
  [message, 'sentAt'],
  [channelReport, 'createdAt'],
]

/** Puts away and deletes what the channels of spaces hosted here keep no longer (D-25, N-17): a
 *  channel without rules of its own puts entries away after a quarter, and deletes none. What is
 *  done follows from the records and the time alone, so a run that was cut off is made up for by
 *  the next, and one that finds nothing due changes nothing. What fails is logged and left. */
export async function retireEntries(r: Retiring): Promise<Retired> {
  const done: Retired = { archived: 0, deleted: 0, failed: 0 }
  const until = r.clock.now().getTime() + RUN_MS
  for (let after = ''; ;) {
    const { rows } = await r.sql.query<KeptChannel & { retention: Retention | null }>(CHANNEL, [
      after,
      CHANNELS,
    ])
    for (const { retention, ...channel } of rows)
      if (await r.isHosted(channel.space))
        await retireIn({ ...r, until }, { ...channel, retention: retention ?? {} }, done)
    if (rows.length < CHANNELS) break
    after = rows.at(-1)!.uri
  }
  if (done.archived + done.deleted + done.failed > 0)
    r.log.info({ ...done }, 'carried out the retention of channels')
  return done
}

const CHANNEL = `select c.uri, c.did as space, c.content->'dataRetention' as retention,
    coalesce(h."legalHold", false) as "legalHold"
  from appview.channel c
  left join appview."channelRules" h on h.did = c.did and h.channel = c.uri
  where c.uri > $1 order by c.uri limit $2`

type Run = Retiring & { readonly until: number }

async function retireIn(r: Run, channel: KeptChannel, done: Retired): Promise<void> {
  const { delete: deleteUpTo, archive: archiveUpTo } = dueUpTo(channel, r.clock.now())
  for (const [kind, age] of KINDS) {
    if (deleteUpTo) await inBatches(r, { channel, kind, age, upTo: deleteUpTo, only: '' }, done)
    await inBatches(r, { channel, kind, age, upTo: archiveUpTo, only: 'and not t.archived' }, done)
  }
}

type Wanted = {
  channel: KeptChannel
  kind: Collection
  /** The column with the time that counts. */
  age: string
  upTo: Date
  only: string
}

/** From the oldest entry on, each looked at once: one that fails does not come again today. */
async function inBatches(r: Run, wanted: Wanted, done: Retired): Promise<void> {
  const { channel, upTo } = wanted
  let after: readonly [Date | null, string] = [null, '']
  for (let n = 0; n < BATCHES_MAX && r.clock.now().getTime() < r.until; n++) {
    const { rows } = await r.sql.query<DueEntry>(dueSql(wanted), [
      channel.uri,
      channel.space,
      upTo,
      ...after,
    ])
    if (rows.length === 0) return
    const last = rows.at(-1)!
    after = [last.sentAt, last.uri]
    await retireBatch(r, channel, { rows, collection: wanted.kind.nsid, done })
  }
}

async function retireBatch(
  r: Retiring,
  channel: KeptChannel,
  batch: { rows: readonly DueEntry[]; collection: string; done: Retired },
): Promise<void> {
  const { done, collection } = batch
  const entries = batch.rows.map((row) => ({ ...row, collection }))
  const due = dueEntries(channel, entries, r.clock.now())
  const [gone, old] = [new Set(due.delete), new Set(due.archive)]
  const attempt = async (about: string, count: number, work: () => Promise<void>) => {
    try {
      await work()
      return count
    } catch (err) {
      done.failed += count
      r.log.error({ err, about }, 'an entry is kept longer than its channel says')
      return 0
    }
  }
  for (const entry of entries.filter(({ uri }) => gone.has(uri)))
    done.deleted += await attempt(entry.uri, 1, () => deleteEntry(r, channel, entry))
  const byPlace = Map.groupBy(
    entries.filter(({ uri }) => old.has(uri)),
    ({ place }) => place,
  )
  for (const [place, some] of byPlace)
    done.archived += await attempt(channel.uri, some.length, () =>
      archiveEntries(r, channel, { place, entries: some }),
    )
}

/** Entries that are not shown are nobody's to decide about: they are no part of the channel. */
function dueSql({ kind, age, only }: Wanted): string {
  const time = `t.${quote(age)}`
  const owner = kind === message ? 't.space' : 't.did'
  const shown = kind.shown ? `and t.${quote(kind.shown)} and not t.${quote(kind.hidden!)}` : ''
  return `select t.uri, t.did, t.rkey, t.cid, t.place, t.archived, ${time} as "sentAt"
    from ${tableName(kind.table)} t
    where t.channel = $1 and ${owner} = $2 and ${time} <= $3 ${shown} ${only}
      and ($4::timestamptz is null or (${time}, t.uri) > ($4, $5::text))
    order by ${time}, t.uri limit ${BATCH}`
}

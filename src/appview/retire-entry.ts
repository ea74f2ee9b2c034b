import { XRPCError } from '@atproto/xrpc-server'
import { audienceUri } from '../permissioned/audience.ts'
import { act } from './act.ts'
import { checkRecord } from './check-record.ts'
import { message } from './collections/spaces/message.ts'
import { keyBesideMessage } from './collections/spaces/beside-message.ts'
import { customerContext } from './collections/spaces/customer-context.ts'
import { insightCorrection } from './collections/spaces/insight-correction.ts'
import { retirement } from './collections/spaces/retirement.ts'
import { uriIn } from './reference.ts'
import type { DueEntry, KeptChannel, Retiring } from './retire-entries.ts'

/** In whose name a channel's rules are carried out. */
const byRule = (space: string, action: string) => ({ actor: space, role: 'clock', action })

/** Puts entries of one place away, in one commit unless there are words about some already, which
 *  the views have not heard of. Doing it again changes nothing. */
export async function archiveEntries(
  { writer, progress, clock }: Retiring,
  channel: KeptChannel,
  { place, entries }: { place: string; entries: readonly DueEntry[] },
): Promise<void> {
  const did = channel.space
  const words = entries.map((entry) => ({
    collection: retirement.nsid,
    rkey: keyOf(entry),
    record: wordOn(entry, { channel, state: 'archived', now: clock.now() }),
  }))
  for (const word of words) checkRecord({ did, place, ...word }, word.record)
  let written = await writer.createAll({ did, place, creates: words }).catch((error: unknown) => {
    if (error instanceof XRPCError) return undefined
    throw error
  })
  for (const word of written ? [] : words) written = await writer.putRecord({ did, place, ...word })
  const rev = written?.rev ?? ''
  await progress.reached(did, rev, place)
}

/** Deletes an entry, with an audit event in the name of the space. What stands in a repo of this
 *  node is deleted from it, also where it is kept for somebody whose host has no permissioned
 *  repos; what stands elsewhere is shown no more, by a record of the space's. What the space itself
 *  keeps about the entry goes first: it must not outlast it. */
export async function deleteEntry(
  r: Retiring,
  channel: KeptChannel,
  entry: DueEntry,
): Promise<void> {
  const { space } = channel
  const { did, rkey, place, collection } = entry
  const by = byRule(space, 'deleteByRetention')
  await forgetBeside(r, channel, entry)
  const word = { did: space, collection: retirement.nsid, rkey: keyOf(entry), place }
  const writer = await writerFor(r, entry)
  if (!writer) {
    const record = wordOn(entry, { channel, state: 'deleted', now: r.clock.now() })
    await act(r, { at: word, record, by })
    return
  }
  const at = { did, collection, rkey, place }
  await act({ ...r, writer }, { at, record: undefined, by, chain: space })
  if (!entry.archived) return
  const { rev } = await r.writer.deleteRecord(word)
  await r.progress.reached(space, rev, place)
}

/** What a space keeps about a message, under its key. */
const BESIDE = [
  [customerContext, 'staff'],
  [insightCorrection, 'managers'],
] as const

async function forgetBeside(r: Retiring, { space }: KeptChannel, entry: DueEntry): Promise<void> {
  const rkey = keyBesideMessage(entry.uri)
  if (rkey === undefined) return
  for (const [{ nsid: collection }, audience] of BESIDE) {
    const at = { did: space, collection, rkey, place: audienceUri(space, audience) }
    await act(r, { at, record: undefined, by: byRule(space, 'forgetByRetention') })
  }
}

/** What writes into the repo of the entry; undefined where that is elsewhere. */
async function writerFor(r: Retiring, { did, place }: DueEntry) {
  if (await r.isHosted(did)) return r.writer
  const { rows } = await r.sql.query(KEPT_HERE, [place, did])
  return rows.length === 0 ? undefined : { ...r.writer, deleteRecord: r.guests.deleteRecord }
}

const KEPT_HERE = `select 1 from repo.repo where space = $1 and did = $2 and source = 'local'`

/** The word about an entry has one key, so that the later word takes the place of the earlier. */
function keyOf({ collection, uri, rkey }: DueEntry): string {
  return collection === message.nsid ? keyBesideMessage(uri)! : rkey
}

function wordOn(
  { uri, place }: DueEntry,
  { channel, state, now }: { channel: KeptChannel; state: string; now: Date },
): Record<string, unknown> {
  return {
    $type: retirement.nsid,
    entry: uriIn(place, uri),
    channel: channel.uri,
    state,
    createdAt: now.toISOString(),
  }
}

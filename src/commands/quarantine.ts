import { parseArgs } from 'node:util'
import {
  type Quarantined,
  type RefusedCommit,
  type Which,
  quarantined,
  refusedCommits,
  replay,
} from '../appview/quarantine.ts'
import { readConfig } from '../config.ts'
import { type Command, UsageError } from './command.ts'
import { type Views, openViews, requireTables } from './open-views.ts'
import { readTarget } from './prove.ts'

type Options = { which: Which; json: boolean }

/** Lists what was refused, and judges it again. */
export const quarantine: Command = {
  usage: `./angelos quarantine list [--reason NAME] [--collection NSID] [--json]
./angelos quarantine replay [--reason NAME] [--collection NSID] [--uri AT-URI] [--json]

  list shows the records that are kept and not shown, and the newest refused commits of every host,
  each with the name of what is wrong with it. With --json each is a line, with its bytes in base64.

  replay judges those records again by the rules of this program and shows the ones that are good
  now. It may be broken off and begun again, and run beside the node. Refused commits are not
  judged again: their repos are fetched.`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        reason: { type: 'string' },
        collection: { type: 'string' },
        uri: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    })
    const [verb] = positionals
    if ((verb !== 'list' && verb !== 'replay') || positionals.length > 1)
      throw new UsageError('Say list or replay.')
    const { reason, collection, uri, json } = values
    const which = { reason, collection, place: placeOf(uri) }
    await using views = await openViews(readConfig())
    await requireTables(views)
    const work = verb === 'list' ? list : judge
    return await work(views, { which, json })
  },
}

function placeOf(uri: string | undefined): Which['place'] {
  if (uri === undefined) return undefined
  const { did, collection, rkey } = readTarget(uri) ?? {}
  if (!did || !collection || !rkey) throw new UsageError(`${uri} is no at-uri of a record.`)
  return { did, collection, rkey }
}

async function list({ pool }: Views, { which, json }: Options): Promise<number> {
  let records = 0
  for await (const page of quarantined(pool, which)) {
    records += page.length
    for (const record of page) say(json ? recordJson(record) : recordText(record, record.reason))
  }
  const commits = which.collection || which.place ? [] : await refusedCommits(pool, which)
  for (const commit of commits) say(json ? commitJson(commit) : commitText(commit))
  if (!json) say(`${records} records and ${commits.length} commits are refused`)
  return 0
}

async function judge({ pool, indexer }: Views, { which, json }: Options): Promise<number> {
  let [good, refused] = [0, 0]
  for await (const page of replay(pool, indexer, which))
    for (const { record, reason = null } of page) {
      if (reason === null) good++
      else refused++
      if (json) say(JSON.stringify({ uri: record.uri, was: record.reason, is: reason }))
      else if (reason !== record.reason) say(recordText(record, reason ?? 'good now'))
    }
  if (!json) say(`${good} records are shown now, ${refused} are still refused`)
  return 0
}

const WIDTH = 18

function recordText({ uri, detail }: Quarantined, verdict: string): string {
  return `${verdict.padEnd(WIDTH)} ${uri}\n${' '.repeat(WIDTH)} ${oneLine(detail)}`
}

function commitText({ host, seq, did, reason, detail }: RefusedCommit): string {
  const of = did === '' ? 'nobody it names' : did
  return `${reason.padEnd(WIDTH)} ${of}, ${host} ${seq}\n${' '.repeat(WIDTH)} ${oneLine(detail)}`
}

/** Details quote what others sent; a terminal must not obey it. */
function oneLine(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u001F\u007F-\u009F]+/g, ' ')
}

function recordJson({ bytes, indexedAt, ...record }: Quarantined): string {
  const at = indexedAt.toISOString()
  return JSON.stringify({ kind: 'record', ...record, indexedAt: at, bytes: base64(bytes) })
}

function commitJson({ frame, ...commit }: RefusedCommit): string {
  return JSON.stringify({ kind: 'commit', ...commit, frame: base64(frame) })
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

import { parseArgs } from 'node:util'
import { lexToJson } from '@atproto/lex'
import { decode } from '@atproto/lex-cbor'
import { readConfig } from '../config.ts'
import { silentLog } from '../log.ts'
import { tidTime } from '../tid.ts'
import { type Command, UsageError } from './command.ts'
import { lookOutside } from './outside.ts'
import { type Proved, type Target, type Unproved, prove, readTarget } from './prove.ts'
import { verifyCertificate } from './verify-certificate.ts'

/** Proves a record, a whole repo or a token transfer, with or without a node. */
export const verify: Command = {
  usage: `./angelos verify DID|AT-URI [--car FILE] [--document FILE] [--json]
./angelos verify certificate FILE --genesis CID [--json]

  Checks every hash, the way through the tree and the account's signature, and prints which commit
  and which key prove what. The CAR comes from the account's PDS, the key from its DID document;
  --car and --document take them from files instead, and then nothing is asked of anybody. The CAR
  of a record is that of com.atproto.sync.getRecord, of a repo that of getRepo.

  certificate proves a token transfer from a file (docs/tokens.md) and asks nobody: who signed,
  when, and whether it is settled. --genesis is the first epoch of the ledger that you trust.

  Exit code 0 when it is proved, 1 when it is not or the record is proved not to be there.`,
  async run(args) {
    if (args[0] === 'certificate') return await verifyCertificate(args.slice(1))
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        car: { type: 'string' },
        document: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    })
    const target = readTarget(positionals[0] ?? '')
    if (!target || positionals.length !== 1)
      throw new UsageError('Say one DID, or the at-uri of a record with a DID in it.')
    const found = await prove(target, values, lookOutside(readConfig(), silentLog))
    const told = tell(target, found)
    const text = values.json ? JSON.stringify(told) : lines(told).join('\n')
    process.stdout.write(`${text}\n`)
    return told.proved && told.cid !== null ? 0 : 1
  },
}

type Told = {
  proved: boolean
  cid?: string | null
  [more: string]: unknown
}

function tell({ did, collection, rkey }: Target, found: Proved | Unproved): Told {
  const target = collection ? `at://${did}/${collection}/${rkey}` : did
  if (!found.ok) return { proved: false, target, reason: found.reason, detail: found.detail }
  const { identity, commit, rev } = found
  const signed = {
    proved: true,
    target,
    pds: identity.pds,
    key: identity.signingKey,
    commit,
    rev,
    signedAt: tidTime(rev).toISOString(),
  }
  if ('counts' in found) {
    const { root, counts } = found
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
    return { ...signed, root, total, records: counts }
  }
  const { way, cid } = found
  if (cid === null) return { ...signed, way, cid }
  return { ...signed, way, cid, record: lexToJson(decode(found.bytes)) }
}

const WIDTH = 10

function lines(told: Told): string[] {
  return Object.entries(told).flatMap(([name, value]) => {
    const title = name.padEnd(WIDTH)
    if (name === 'cid' && value === null) return [`${title}none: there is no such record`]
    if (Array.isArray(value)) return value.map((one, n) => `${(n ? '' : name).padEnd(WIDTH)}${one}`)
    if (name === 'records') return ['records', ...countLines(value as Record<string, number>)]
    if (name === 'record') return ['record', JSON.stringify(value, null, 2)]
    return [`${title}${value === true ? 'yes' : value === false ? 'no' : String(value)}`]
  })
}

function countLines(counts: Record<string, number>): string[] {
  return Object.entries(counts)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([nsid, count]) => `${String(count).padStart(WIDTH)}  ${nsid}`)
}

import { type CidLinkWrapper } from '@atcute/cbor'
import { type Blocks, cidKey } from './car.ts'
import { scanCbor } from '../bytes/cbor-scan.ts'
import { LIMITS, type Refusal, refuse } from './refusal.ts'

const SCAN = { depth: LIMITS.recordDepth, items: LIMITS.recordItems }
const MAP = 5

/** The block of a record: at hand, not too large, one well-formed map and not nested too deep. */
export function readRecordBlock(
  cid: CidLinkWrapper,
  blocks: Blocks,
): { ok: true; bytes: Uint8Array } | Refusal {
  const bytes = blocks.get(cidKey(cid.bytes))
  if (bytes === undefined) return refuse('MissingRecord', cid.$link)
  if (bytes.length > LIMITS.record) return refuse('RecordTooLarge', `${bytes.length}`)
  const scan = scanCbor(bytes, SCAN)
  if ('fault' in scan) {
    return refuse(scan.fault === 'TooDeep' ? 'RecordTooDeep' : 'BadRecord', scan.fault)
  }
  if (scan.end !== bytes.length || (bytes[0] ?? 0) >> 5 !== MAP) {
    return refuse('BadRecord', 'not one map')
  }
  return { ok: true, bytes }
}

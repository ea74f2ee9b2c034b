import { cidOfBytes, decodeRecord } from '../tokens/encoding.ts'
import type { Person } from '../tokens/pool-rules.ts'
import { type Refusal, refuse } from '../tokens/refusal.ts'
import {
  type Check,
  checkShape,
  cid,
  did,
  didKey,
  fields,
  int,
  list,
  oneOf,
  text,
} from '../tokens/shape.ts'
import type { TokenCrypto } from '../tokens/token-crypto.ts'
import {
  CLUSTER_MAX,
  PERSONHOOD,
  PERSONS_MAX,
  SNAPSHOT_BYTES_MAX,
  type Snapshot,
} from '../tokens/worth/personhood.ts'

const shortName = text(CLUSTER_MAX)
const cluster: Check = (value, at) => shortName(value, at) ?? did(value, at)
const person = fields({ did, bucket: int(0, 5), cluster }, { key: didKey })
const shape = fields(
  {
    $type: oneOf(PERSONHOOD),
    epoch: int(0, 1_000_000_000),
    persons: list(person, 0, PERSONS_MAX),
  },
  { ledger: cid },
)

/** A snapshot that was read, with its persons by DID. */
export type ReadSnapshot = {
  readonly ok: true
  readonly snapshot: Snapshot
  readonly persons: ReadonlyMap<string, Person>
}

/** Reads the snapshot of persons that an epoch pins by its CID: in the order of their DIDs, nobody
 *  twice, and no key of two, who would be two witnesses and one hand. That the persons follow from
 *  anybody's vouches is not checked. */
export function readSnapshot(
  crypto: TokenCrypto,
  record: Uint8Array,
  pinned: string,
): ReadSnapshot | Refusal {
  const decoded = decodeRecord(record, SNAPSHOT_BYTES_MAX)
  if (!decoded.ok) return decoded
  const fault = checkShape(shape, decoded.value, 'personhood')
  if (fault) return fault
  const found = cidOfBytes(crypto, record)
  if (found !== pinned) return refuse('WrongPersonhood', `${found}, the epoch pins ${pinned}`)
  const snapshot = decoded.value as Snapshot
  const { persons } = snapshot
  const stray = persons.find((one, n) => n > 0 && persons[n - 1]!.did >= one.did)
  if (stray) return refuse('WrongPersonhood', `${stray.did} twice, or not in the order of DIDs`)
  const keys = new Set<string>()
  for (const { did: of, key } of persons) {
    if (key === undefined) continue
    if (keys.has(key)) return refuse('WrongPersonhood', `the key of ${of} is somebody else’s too`)
    keys.add(key)
  }
  return { ok: true, snapshot, persons: new Map(persons.map((one) => [one.did, one])) }
}

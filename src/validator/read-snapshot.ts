import { cidOfBytes, decodeRecord } from '../tokens/encoding.ts'
import type { Person } from '../tokens/pool-rules.ts'
import { type Refusal, refuse } from '../tokens/refusal.ts'
import { checkShape, cid, did, didKey, fields, int, list, oneOf } from '../tokens/shape.ts'
import type { TokenCrypto } from '../tokens/token-crypto.ts'
import { PERSONHOOD, PERSONS_MAX } from '../tokens/worth/personhood.ts'

const SNAPSHOT_BYTES_MAX = 2_000_000

const person = fields({ did, bucket: int(0, 5), cluster: did }, { key: didKey })
const shape = fields(
  { $type: oneOf(PERSONHOOD), epoch: int(0), persons: list(person, 0, PERSONS_MAX) },
  { ledger: cid },
)

/** Reads the snapshot of persons that an epoch pins by its CID, by person. */
export function readSnapshot(
  crypto: TokenCrypto,
  record: Uint8Array,
  pinned: string,
): { readonly ok: true; readonly persons: ReadonlyMap<string, Person> } | Refusal {
  const decoded = decodeRecord(record, SNAPSHOT_BYTES_MAX)
  if (!decoded.ok) return decoded
  const fault = checkShape(shape, decoded.value, 'personhood')
  if (fault) return fault
  const found = cidOfBytes(crypto, record)
  if (found !== pinned) return refuse('WrongPersonhood', `${found}, the epoch pins ${pinned}`)
  const { persons } = decoded.value as { persons: Person[] }
  return { ok: true, persons: new Map(persons.map((one) => [one.did, one])) }
}

import { type RecordSchema } from '@atproto/lex'
import { type ValidateRecord } from './validate.ts'

/** Longest message handed to a caller; a record with many faults would name them all. */
const MESSAGE_MAX_CHARS = 1_000

/**
 * A validator over generated record schemas: the type must be among them, the key fit the
 * lexicon's `key` (tid, nsid, any, literal) and the record its schema, as it stands: nothing is
 * converted or filled in. Takes data-model values (CIDs as objects), as the PDS holds them.
 */
export function lexiconValidator(schemas: Iterable<RecordSchema>): ValidateRecord {
  const known = new Map<string, RecordSchema>()
  for (const schema of schemas) known.set(schema.$type, schema)
  return (collection, rkey, record) => {
    const schema = known.get(collection)
    if (!schema) return refuse(`This node does not know the record type ${collection}`)
    const key = schema.keySchema.safeValidate(rkey)
    if (!key.success) {
      return refuse(`Invalid record key for ${collection}: ${key.reason.message} (rkey: ${rkey})`)
    }
    const result = schema.safeValidate(record)
    if (!result.success) {
      return refuse(`Invalid ${collection} record: ${result.reason.message}`)
    }
    return { ok: true }
  }
}

function refuse(message: string): { ok: false; message: string } {
  const short = message.length <= MESSAGE_MAX_CHARS
  return { ok: false, message: short ? message : `${message.slice(0, MESSAGE_MAX_CHARS)}…` }
}

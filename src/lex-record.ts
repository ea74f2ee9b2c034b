import { type JsonValue, type LexMap, jsonToLex } from '@atproto/lex'

/** A record as repos hold it; methods write it as JSON has it. */
export function lexRecord(record: Readonly<Record<string, unknown>>): LexMap {
  return jsonToLex(JSON.parse(JSON.stringify(record)) as JsonValue) as LexMap
}

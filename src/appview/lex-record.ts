import { type JsonValue, type LexMap, type LexValue, jsonToLex, lexToJson } from '@atproto/lex'

/** A record as repos hold it. Methods write it as JSON has it, or as they were sent it: then links
 *  and blobs in it are values already, which mere JSON would take apart. */
export function lexRecord(record: Readonly<Record<string, unknown>>): LexMap {
  const json = JSON.stringify(lexToJson(record as LexValue))
  return jsonToLex(JSON.parse(json) as JsonValue) as LexMap
}

import { cidForLex, encode } from '@atproto/lex-cbor'
import { type JsonValue, type LexValue, jsonToLex, lexToJson } from '@atproto/lex'
import type { Collection, Example } from '../src/appview/define.ts'
import type { Write } from '../src/appview/index-record.ts'
import { PRIVATE_SPACE, TENANT_SPACE, audienceUri } from '../src/permissioned/audience.ts'

/** Revisions in rising order: rev(1) < rev(2) < …, all in 2026. */
export function rev(n: number): string {
  return `3m6bkl${String(2222200 + n)
    .replaceAll(/[01]/g, '2')
    .padStart(7, '2')}`
}

/** The write that a commit with this record would bring. */
export async function writeOf(at: {
  collection: string
  did: string
  rkey: string
  rev: string
  place?: string
  record: object
}): Promise<Write> {
  const { record, ...place } = at
  const json = JSON.stringify(lexToJson({ $type: at.collection, ...record } as LexValue))
  const value = jsonToLex(JSON.parse(json) as JsonValue)
  return { ...place, cid: String(await cidForLex(value)), bytes: encode(value) }
}

/** The space of some customer. */
export const CUSTOMER = 'customer-aaaaaaaaaaaaaaaaaaaaaaaaaa'

/** The write a collection's example stands for. */
export function exampleWrite(c: Collection, example: Example, n = 2): Promise<Write> {
  const did = example.did ?? 'did:plc:alice'
  const audience = example.audience === 'customer' ? CUSTOMER : example.audience
  // What somebody writes about a space stands in a place of that space.
  const about = (example.record as { space?: string }).space ?? did
  const type = c.access.of === 'tenant' ? TENANT_SPACE : PRIVATE_SPACE
  return writeOf({
    collection: c.nsid,
    did,
    rkey: example.rkey ?? `3m6bkl222222${n}`,
    rev: rev(n),
    ...(audience && { place: audienceUri(about, audience, type) }),
    record: example.record,
  })
}

/** The write that deletes what another wrote. */
export function deletionOf(write: Write, at: string): Write {
  return { ...write, rev: at, cid: null, bytes: null }
}

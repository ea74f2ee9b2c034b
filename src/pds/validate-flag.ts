import type http from 'node:http'
import { RecordSchema, walk } from '@atproto/lex'
import { app, chat, com, tools } from '@atproto/pds'
import { ownPrefix } from './validate.ts'

const WRITES = /^\/xrpc\/com\.atproto\.repo\.(createRecord|putRecord|applyWrites)(\?|$)/

/**
 * Lets `validate: true` pass for records of `co.kendev.*`. The PDS refuses the flag for types it
 * was not built with, though this node validates them in any case; so the flag is taken out of a
 * body whose every collection is checked by the node or known to the PDS, and stays otherwise.
 *
 * The package offers no place to add record types, its table is private to a module, and
 * replaying a consumed request stream is fragile. What is used is that express's parser leaves the
 * parsed body at `request.body`: an accessor there sees it first. Should the package ever parse
 * elsewhere, the effect is the old refusal, never an unchecked record.
 */
export function createFlagFilter(): (request: http.IncomingMessage) => void {
  const known = knownCollections()
  const checked = (collection: unknown) =>
    typeof collection === 'string' && (collection.startsWith(ownPrefix) || known.has(collection))
  return (request) => {
    if (request.method !== 'POST' || !WRITES.test(request.url ?? '')) return
    let body: unknown
    Object.defineProperty(request, 'body', {
      configurable: true,
      enumerable: true,
      get: () => body,
      set: (value: unknown) => {
        body = withoutFlag(value, checked)
      },
    })
  }
}

function withoutFlag(body: unknown, checked: (collection: unknown) => boolean): unknown {
  if (!isObject(body) || body.validate !== true) return body
  const { validate: _, ...rest } = body
  if (!Array.isArray(body.writes)) return checked(body.collection) ? rest : body
  const every = body.writes.every((write) => isObject(write) && checked(write.collection))
  return every ? rest : body
}

function knownCollections(): Set<string> {
  const collections = new Set<string>()
  for (const schema of walk({ app, chat, com, tools })) {
    if (schema instanceof RecordSchema) collections.add(schema.$type)
  }
  return collections
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

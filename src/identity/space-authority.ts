import { type DidDocument, getDidKeyFromMultibase } from '@atproto/identity'
import { parseDidKey } from '../crypto/did-key.ts'

/** Whom a space's credentials are signed by, and who speaks for the space. */
export type SpaceAuthority = {
  /** did:key of `#atproto_space`, or else of `#atproto`, by its name */
  keys: Readonly<Partial<Record<'#atproto_space' | '#atproto', string>>>
  /** origin of `#atproto_space_host`, or else of `#atproto_pds`, without a slash at the end */
  host: string
}

/** Decoding base58 takes quadratic time; the longest key of any suite in use has 90 characters. */
const MAX_KEY_LENGTH = 128

/** What a document says of the account as an authority of spaces (proposal 0016, "Space
 *  authority"); undefined without a usable key and host. A key or a service of its own that is
 *  there and not usable is not replaced by the account's. */
export function spaceAuthorityOf(document: DidDocument): SpaceAuthority | undefined {
  const own = keyOf(document, '#atproto_space')
  const key = own ?? keyOf(document, '#atproto')
  const host = spaceHostOf(document)
  if (!key || !host) return undefined
  return { keys: { [own === undefined ? '#atproto' : '#atproto_space']: key }, host }
}

/** The origin of the host that answers for the spaces of the account a document describes. */
export function spaceHostOf(document: DidDocument): string | undefined {
  return (
    (serviceOf(document, '#atproto_space_host') ?? serviceOf(document, '#atproto_pds')) || undefined
  )
}

/** The origin of a service by its fragment, such as `#atproto_pds`; undefined when the document has
 *  no such service, and empty when it has one without an address of use. */
export function serviceOf(document: DidDocument, fragment: string): string | undefined {
  const service = document.service?.find(({ id }) => names(id, document.id, fragment))
  if (service === undefined) return undefined
  const { serviceEndpoint } = service
  const url = typeof serviceEndpoint === 'string' ? URL.parse(serviceEndpoint) : null
  return url === null || url.origin === 'null' ? '' : url.origin
}

/** The did:key by its fragment; empty when it is none of the curves of atproto. */
function keyOf(document: DidDocument, fragment: string): string | undefined {
  const method = document.verificationMethod?.find(({ id }) => names(id, document.id, fragment))
  if (method === undefined) return undefined
  const { type, publicKeyMultibase = '' } = method
  if (publicKeyMultibase.length > MAX_KEY_LENGTH) return ''
  try {
    const key = getDidKeyFromMultibase({ type, publicKeyMultibase })
    return key !== undefined && parseDidKey(key) !== undefined ? key : ''
  } catch {
    return ''
  }
}

function names(id: string, did: string, fragment: string): boolean {
  return id === fragment || id === `${did}${fragment}`
}

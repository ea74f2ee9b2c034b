import { type DidDocument, didDocument, getHandle, getKey, getPds } from '@atproto/identity'
import { parseDidKey } from '../crypto/did-key.ts'

export type { DidDocument } from '@atproto/identity'

/** What an account's DID document says: its signing key, its PDS and the handle it claims. */
export type Identity = {
  did: string
  /** did:key of `#atproto` */
  signingKey: string
  /** origin of `#atproto_pds`, without a slash at the end */
  pds: string
  /** the first `at://` of `alsoKnownAs`; claimed only, see `verifyHandle` */
  handle?: string
  document: DidDocument
}

/** Decoding base58 takes quadratic time; the longest key of any suite in use has 90 characters. */
const MAX_KEY_LENGTH = 128

/** The document if `value` is one and speaks of `did`; undefined otherwise. */
export function parseDocument(did: string, value: unknown): DidDocument | undefined {
  const parsed = didDocument.safeParse(value)
  return parsed.success && parsed.data.id === did ? parsed.data : undefined
}

/** The account a document describes; undefined without a usable `#atproto` key and PDS. */
export function identityOf(document: DidDocument): Identity | undefined {
  const signingKey = signingKeyOf(document)
  const pds = originOf(getPds(document))
  if (signingKey === undefined || pds === undefined) return undefined
  const handle = getHandle(document)?.toLowerCase()
  const account = { did: document.id, signingKey, pds, document }
  return handle === undefined ? account : { ...account, handle }
}

function signingKeyOf(document: DidDocument): string | undefined {
  const methods = document.verificationMethod ?? []
  if (methods.some((method) => (method.publicKeyMultibase?.length ?? 0) > MAX_KEY_LENGTH)) {
    return undefined
  }
  try {
    const key = getKey(document)
    return key !== undefined && parseDidKey(key) !== undefined ? key : undefined
  } catch {
    return undefined
  }
}

function originOf(endpoint: string | undefined): string | undefined {
  const url = endpoint === undefined ? null : URL.parse(endpoint)
  return url === null || url.origin === 'null' ? undefined : url.origin
}

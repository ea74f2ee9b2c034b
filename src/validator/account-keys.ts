import type { DidDocument, Identity } from '../identity/identity.ts'
import { methodKey } from '../identity/method-key.ts'
import type { AccountKeys } from '../tokens/account.ts'

/** The keys that spend from an account: what signs its commits, and its device key `#angel`, of
 *  which a document that names one that cannot be read is as good as none. */
export function accountKeys({ did, signingKey, document }: Identity): AccountKeys {
  const angel = angelKey(document)
  return { did, atproto: signingKey, ...(angel !== undefined && { angel }) }
}

function angelKey(document: DidDocument): string | undefined {
  const method = document.verificationMethod?.find(
    ({ id }) => id === '#angel' || id === `${document.id}#angel`,
  )
  return method && methodKey(method)
}

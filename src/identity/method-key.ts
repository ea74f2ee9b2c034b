import { type DidDocument, getDidKeyFromMultibase } from '@atproto/identity'
import { parseDidKey } from '../crypto/did-key.ts'

type Method = NonNullable<DidDocument['verificationMethod']>[number]

/** The did:key that a verification method holds, as a Multikey or in the form that directories used
 *  before; undefined where it holds none that can be read. */
export function methodKey({ type, publicKeyMultibase }: Method): string | undefined {
  if (publicKeyMultibase === undefined) return undefined
  try {
    const key = getDidKeyFromMultibase({ type, publicKeyMultibase })
    return key !== undefined && parseDidKey(key) ? key : undefined
  } catch {
    return undefined
  }
}

import { hash } from 'node:crypto'
import { verifySignature } from './ecdsa.ts'

/** SHA-256 and the two curves of atproto by the machine's own libraries. */
export const nativeCrypto = { sha256, verify: verifySignature }

/** By way of a text of 32 letters, since Node takes longer to make a buffer than to hash a node of
 *  a tree. */
function sha256(bytes: Uint8Array): Uint8Array {
  const letters = hash('sha256', bytes, 'binary')
  const digest = new Uint8Array(letters.length)
  for (let at = 0; at < digest.length; at += 1) digest[at] = letters.charCodeAt(at)
  return digest
}

import { hash } from 'node:crypto'
import { verifySignature } from './ecdsa.ts'

/** SHA-256 and the two curves of atproto by the machine's own libraries. */
export const nativeCrypto = {
  sha256: (bytes: Uint8Array): Uint8Array => hash('sha256', bytes, 'buffer'),
  verify: verifySignature,
}

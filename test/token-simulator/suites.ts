import { createHash } from 'node:crypto'
import { flipS } from '../../src/crypto/low-s.ts'
import { nativeCrypto } from '../../src/crypto/native.ts'
import { p256Signer } from '../../src/crypto/p256.ts'
import { type CryptoSuite, stubSuite } from './stub-crypto.ts'
import type { TokenSigner } from '../../src/tokens/token-crypto.ts'

/** One seed of a hundred runs with real signatures; the seventh is one of the first. */
export function suiteOf(seed: number): CryptoSuite {
  return seed % 100 === 7 ? realSuite() : stubSuite()
}

/** SHA-256 and P-256 as a node has them. Its signatures differ from run to run, and nothing that a
 *  run does depends on them. */
function realSuite(): CryptoSuite {
  const signers = new Map<string, TokenSigner>()
  return {
    crypto: nativeCrypto,
    signer(name) {
      const known = signers.get(name)
      if (known) return known
      const made = p256Signer(createHash('sha256').update(name).digest())
      signers.set(name, made)
      return made
    },
    withHighS: (signature) => flipS('p256', signature),
  }
}

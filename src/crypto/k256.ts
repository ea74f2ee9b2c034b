import { hash } from 'node:crypto'
import { createRequire } from 'node:module'
import type * as secp256k1 from 'secp256k1'
import { type Verify, opensslSigner, opensslVerifier } from './openssl.ts'

/** One way to do ECDSA on secp256k1. `signer` throws for a private key that is not one. */
export type K256Backend = {
  name: 'libsecp256k1' | 'openssl'
  verifier(point: Uint8Array): Verify | undefined
  signer(privateKey: Uint8Array): {
    point: Uint8Array
    sign: (bytes: Uint8Array) => Uint8Array
  }
}

type Bindings = Pick<typeof secp256k1, 'ecdsaSign' | 'ecdsaVerify' | 'publicKeyConvert'> &
  Pick<typeof secp256k1, 'publicKeyCreate'>

/** node:crypto with a check of s: about six times slower than libsecp256k1, but everywhere. */
export const opensslBackend: K256Backend = {
  name: 'openssl',
  verifier: (point) => opensslVerifier('k256', point),
  signer: (privateKey) => opensslSigner('k256', privateKey),
}

/**
 * libsecp256k1 where the package ships a build for this machine, node:crypto otherwise. The entry
 * `secp256k1` would fall back to JavaScript without a word; `secp256k1/bindings` throws instead.
 */
export function loadK256Backend(): K256Backend {
  try {
    const bindings: Bindings = createRequire(import.meta.url)('secp256k1/bindings')
    return libsecp256k1Backend(bindings)
  } catch {
    return opensslBackend
  }
}

function libsecp256k1Backend(bindings: Bindings): K256Backend {
  return {
    name: 'libsecp256k1',
    verifier: (point) => {
      const key = decompress(bindings, point)
      if (key === undefined) return undefined
      return (bytes, signature) => {
        try {
          return bindings.ecdsaVerify(signature, sha256(bytes), key)
        } catch {
          return false // r or s is not below the order of the curve
        }
      }
    },
    signer: (privateKey) => ({
      point: bindings.publicKeyCreate(privateKey),
      sign: (bytes) => bindings.ecdsaSign(sha256(bytes), privateKey).signature,
    }),
  }
}

/** The point in full, because taking the square root for every signature costs time. */
function decompress(bindings: Bindings, point: Uint8Array): Uint8Array | undefined {
  try {
    return bindings.publicKeyConvert(point, false)
  } catch {
    return undefined
  }
}

function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer')
}

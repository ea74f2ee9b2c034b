import { readFile } from 'node:fs/promises'
import { type Stats, statSync } from 'node:fs'
import { type Keypair, Secp256k1Keypair } from '@atproto/crypto'
import { type Signer, k256BackendName, signerFromPrivateKey } from '../../crypto/ecdsa.ts'
import { createLru } from '../../crypto/lru.ts'
import { type ActorStore } from './package-parts.ts'

const MAX_KEYS = 4096

/** The package's keypair, signing with libsecp256k1: the same bytes, about six times sooner. */
export class NativeKeypair extends Secp256k1Keypair {
  readonly #signer: Signer
  constructor(privateKey: Uint8Array) {
    super(privateKey, false)
    this.#signer = signerFromPrivateKey(privateKey)
  }
  override async sign(message: Uint8Array): Promise<Uint8Array> {
    return this.#signer.sign(message)
  }
}

/**
 * Keeps each account's keypair as long as its key file is the same file with the same times, so
 * that a key rotated on disk or an account made anew signs with its own key at once.
 * OpenSSL signs k256 slower than the package does, so it is not used here.
 */
export function keepKeys(store: ActorStore): void {
  const kept = createLru<string, { stamp: string; keypair: Keypair }>(MAX_KEYS)
  store.keypair = async (did) => {
    const { keyLocation } = await store.getLocation(did)
    // Before the file is read: a file replaced in between is then read again next time.
    const stamp = stampOf(statSync(keyLocation))
    const known = kept.get(did)
    if (known?.stamp === stamp) return known.keypair
    const bytes = await readFile(keyLocation)
    const keypair =
      k256BackendName === 'libsecp256k1'
        ? new NativeKeypair(bytes)
        : await Secp256k1Keypair.import(bytes)
    kept.set(did, { stamp, keypair })
    return keypair
  }
}

function stampOf(stats: Stats): string {
  return `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeMs}:${stats.ctimeMs}`
}

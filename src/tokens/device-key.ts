import { p256 } from '@noble/curves/nist.js'
import { encodeBase58 } from './base58.ts'
import { toBytes } from '@atcute/cbor'
import { cidBytes, encodeRecord } from './encoding.ts'
import type { Refusal } from './refusal.ts'
import type { TokenCrypto } from './token-crypto.ts'
import { type ReadTransfer, SPEND_SIGNATURE, readTransfer, transferId } from './transfer.ts'

/** WebCrypto: `crypto.subtle` of a browser, or of Node. */
type Subtle = typeof globalThis.crypto.subtle
type Key = Parameters<Subtle['sign']>[1]
type KeyPair = { readonly privateKey: Key; readonly publicKey: Key }

const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const
/** What stands before a compressed point of P-256 in a did:key. */
const P256_CODE = [0x80, 0x24]

/** A device key that is asked and not read, so it answers later: 64 bytes r || s with a low s over
 *  the SHA-256 of the bytes. */
export type DeviceKey = {
  readonly didKey: string
  readonly sign: (bytes: Uint8Array) => Promise<Uint8Array>
}

/** Makes a key of P-256 that no script can read out, not even the one that has made it. A browser
 *  keeps the pair in IndexedDB as it is. */
export async function makeKeyPair(subtle: Subtle): Promise<KeyPair> {
  return subtle.generateKey(P256, false, ['sign', 'verify'])
}

/** The device key of a pair of P-256; throws what WebCrypto does for any other. */
export async function deviceKeyOf(
  subtle: Subtle,
  { privateKey, publicKey }: KeyPair,
): Promise<DeviceKey> {
  const point = p256.Point.fromBytes(new Uint8Array(await subtle.exportKey('raw', publicKey)))
  const bytes = Uint8Array.from([...P256_CODE, ...point.toBytes(true)])
  return {
    didKey: `did:key:z${encodeBase58(bytes)}`,
    async sign(message) {
      const by = { name: 'ECDSA', hash: 'SHA-256' } as const
      const made = new Uint8Array(await subtle.sign(by, privateKey, Uint8Array.from(message)))
      // WebCrypto gives a high s as often as a low one, and nobody in atproto takes that.
      return p256.Signature.fromCompact(made).normalizeS().toBytes('compact')
    },
  }
}

/** A transfer with the spend signature of the device key in place of any other, as it is written
 *  into the sender's repo. What is signed follows from the content alone. */
export async function signTransfer(
  crypto: TokenCrypto,
  { account, transfer }: Pick<ReadTransfer, 'account' | 'transfer'>,
  { didKey, sign }: DeviceKey,
): Promise<ReadTransfer | Refusal> {
  const made = await sign(cidBytes(transferId(crypto, account, transfer)))
  const spend = { $type: SPEND_SIGNATURE, key: didKey, signature: toBytes(made) }
  const others = transfer.signatures.filter(({ $type }) => $type !== SPEND_SIGNATURE)
  const signed = { ...transfer, signatures: [...others, spend] }
  return readTransfer(crypto, account, encodeRecord(signed))
}

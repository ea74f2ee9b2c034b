/** The two primitives of the ledger, given from outside: native in a node, plain JavaScript in a
 *  browser, a stub in bulk simulation. Both are pure and never throw. */
export type TokenCrypto = {
  sha256(bytes: Uint8Array): Uint8Array
  /** Whether `signature` is `didKey`'s: 64 bytes r || s with a low s, over the SHA-256 of `bytes`
   *  (https://atproto.com/specs/cryptography). */
  verify(check: {
    readonly didKey: string
    readonly bytes: Uint8Array
    readonly signature: Uint8Array
  }): boolean
}

/** Signs as one did:key: 64 bytes r || s with a low s over the SHA-256 of `bytes`. */
export type TokenSigner = { readonly didKey: string; sign(bytes: Uint8Array): Uint8Array }

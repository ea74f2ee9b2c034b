import type { AccountKeys } from '../../src/tokens/account.ts'
import type { TokenSigner } from '../../src/tokens/token-crypto.ts'
import type { CryptoSuite } from './stub-crypto.ts'

/** What DID documents say, and since when. */
export type Directory = {
  /** The document of an account as it was at a moment. */
  keysOf(did: string, at: number): AccountKeys
  /** The keys of an account at the moment, to sign with. */
  signers(did: string): { readonly angel: TokenSigner; readonly atproto: TokenSigner }
  /** From now on the document has another key, or an older one again. */
  rotate(did: string, which: 'angel' | 'atproto', generation: number, at: number): void
  tombstone(did: string, at: number): void
  /** The account's document has no device key. */
  leaveKeyless(did: string): void
}

type Entry = { readonly from: number; readonly keys: AccountKeys }

/** A directory in which every account has keys that follow from its name. */
export function createDirectory(suite: CryptoSuite): Directory {
  const entries = new Map<string, Entry[]>()
  const generations = new Map<string, { angel: number; atproto: number }>()
  const keyless = new Set<string>()
  const generationOf = (did: string) => {
    const found = generations.get(did) ?? { angel: 0, atproto: 0 }
    generations.set(did, found)
    return found
  }
  const signers = (did: string) => {
    const { angel, atproto } = generationOf(did)
    return {
      angel: suite.signer(`${did} angel ${angel}`),
      atproto: suite.signer(`${did} atproto ${atproto}`),
    }
  }
  const written = (did: string): AccountKeys => {
    const { angel, atproto } = signers(did)
    const device = keyless.has(did) ? {} : { angel: angel.didKey }
    return { did, atproto: atproto.didKey, ...device }
  }
  const historyOf = (did: string): Entry[] => {
    const known = entries.get(did)
    if (known) return known
    const fresh = [{ from: 0, keys: written(did) }]
    entries.set(did, fresh)
    return fresh
  }
  return {
    signers,
    keysOf: (did, at) => historyOf(did).findLast(({ from }) => from <= at)!.keys,
    rotate(did, which, generation, at) {
      const history = historyOf(did)
      generationOf(did)[which] = generation
      history.push({ from: at, keys: written(did) })
    },
    tombstone(did, at) {
      historyOf(did).push({ from: at, keys: { ...written(did), tombstoned: true } })
    },
    leaveKeyless: (did) => void keyless.add(did),
  }
}

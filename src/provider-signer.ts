import { readFile } from 'node:fs/promises'
import type { Config } from './config.ts'
import { p256Signer } from './crypto/p256.ts'
import type { IdentityResolver } from './identity/resolver.ts'
import type { TokenSigner } from './tokens/token-crypto.ts'
import { accountKeys } from './validator/account-keys.ts'

type Options = {
  readonly config: Pick<Config, 'ANGELOS_TOKEN_PROVIDER_KEY_FILE'>
  readonly resolver: Pick<IdentityResolver, 'resolve'>
}

/**
 * The key that liquidity providers of this node spend with: undefined for an account without a
 * device key in its document, which spends small sums. Throws for one whose device key is not in
 * the file that the settings name, for one without a document, and when the file holds no key.
 */
export function providerSigner(
  options: Options,
): (account: string) => Promise<TokenSigner | undefined> {
  const { config, resolver } = options
  let reading: Promise<TokenSigner | undefined> | undefined
  return async (account) => {
    const identity = await resolver.resolve(account)
    if (!identity) throw new Error('the account has no document now')
    const { angel } = accountKeys(identity)
    if (angel === undefined) return undefined
    reading ??= readKey(config.ANGELOS_TOKEN_PROVIDER_KEY_FILE)
    const key = await reading.finally(() => (reading = undefined))
    if (angel === key?.didKey) return key
    throw new Error('the account spends with a device key that this node does not have')
  }
}

async function readKey(file: string | undefined): Promise<TokenSigner | undefined> {
  if (file === undefined) return undefined
  const hex = (await readFile(file, 'utf8')).trim()
  if (!/^[0-9a-f]{64}$/.test(hex)) throw new Error(`${file} is no key of 64 hexadecimal digits`)
  return p256Signer(Buffer.from(hex, 'hex'))
}

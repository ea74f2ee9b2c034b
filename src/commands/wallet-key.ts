import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { p256Signer } from '../crypto/p256.ts'
import type { Identity } from '../identity/identity.ts'
import { methodKey } from '../identity/method-key.ts'
import { accountKeys } from '../validator/account-keys.ts'
import { showTokens } from '../tokens/amount.ts'
import { readKeyWord, tellKeyWord } from '../validator/key-word.ts'
import { openSession } from './account-session.ts'
import { type Verb, UsageError } from './command.ts'
import { PLACE_OPTIONS, type WalletPlace, openPlace, readDeviceKey } from './wallet-place.ts'

/** The device key of an account. */
export const walletKey: Verb = {
  name: 'key',
  summary: 'make a device key and put it into the document of an account',
  usage: `./angelos wallet key create FILE
  ./angelos wallet key show --account HANDLE [--genesis FILE]
  ./angelos wallet key register FILE --account HANDLE [--token TOKEN] [--password-file FILE]

  A device key signs every transfer, so that whoever runs the account's PDS cannot spend. It is of
  P-256, in a file of mode 0600 that nobody else has. To register it, its public half is put into
  the account's DID document as #angel. The PDS sends a token by mail first; say it with --token.
  Validators have a key that is new to an account on hold for as long as the epoch says, 72 hours
  at first: it spends no more than an account without one until then.`,
  async run([verb, ...args]) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { ...PLACE_OPTIONS, token: { type: 'string' }, 'password-file': { type: 'string' } },
    })
    const [file] = positionals
    if (verb === 'show') return show(await openPlace(values))
    if (file === undefined || (verb !== 'create' && verb !== 'register'))
      throw new UsageError('Say create, show or register, and a file.')
    if (verb === 'create') return create(file)
    const { didKey } = await readDeviceKey(file)
    const place = await openPlace(values)
    const { service, identity } = place
    const passwordFile = values['password-file']
    const session = await openSession({ service, account: identity.did, passwordFile })
    if (values.token === undefined) {
      await session.call('com.atproto.identity.requestPlcOperationSignature')
      process.stdout.write('A token comes by mail. Say the same again with --token TOKEN.\n')
      return 0
    }
    const verificationMethods = { ...methodsOf(identity), angel: didKey }
    const asked = { token: values.token, verificationMethods }
    const nsid = 'com.atproto.identity.signPlcOperation'
    const { operation } = await session.call<{ operation: object }>(nsid, asked)
    await session.call('com.atproto.identity.submitPlcOperation', { operation })
    process.stdout.write(`#angel of ${identity.did} is ${didKey}\n`)
    return 0
  },
}

async function create(file: string): Promise<number> {
  const key = randomBytes(32)
  const { didKey } = p256Signer(key)
  await writeFile(file, `${key.toString('hex')}\n`, { mode: 0o600, flag: 'wx' }).catch(
    (error: unknown) => {
      throw new UsageError(error instanceof Error ? error.message : String(error))
    },
  )
  process.stdout.write(`${didKey}\n`)
  return 0
}

async function show(place: WalletPlace): Promise<number> {
  const { identity, current, fetch, now } = place
  const { angel, atproto } = accountKeys(identity)
  const { code, params } = current.epoch
  const { holdHours } = params
  const limit = `${showTokens(BigInt(params.noAngelKeyLimit))} ${code}`
  const asked = { account: identity.did, key: angel ?? '', now: now() }
  const said = angel === undefined ? undefined : await readKeyWord(fetch, current, asked)
  const lines = [
    `account     ${identity.did}`,
    `commits     ${atproto}`,
    `device key  ${angel ?? 'none'}`,
    `it          ${said ? tellKeyWord(said, limit, holdHours) : `spends up to ${limit} an epoch`}`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
  return 0
}

/** The keys of a document by their names, as an operation of did:plc has them. Throws `UsageError`
 *  for one whose form cannot be repeated: it would be lost. */
export function methodsOf({
  document,
  signingKey,
}: Pick<Identity, 'document' | 'signingKey'>): Record<string, string> {
  const { id, verificationMethod = [] } = document
  const keys = verificationMethod.map((method): [string, string] => {
    const [, name] = method.id.split('#')
    if (name === 'atproto') return [name, signingKey]
    const key = methodKey(method)
    if (name === undefined || key === undefined)
      throw new UsageError(
        `${method.id} of ${id} is a ${method.type}, which an operation cannot repeat.`,
      )
    return [name, key]
  })
  return Object.fromEntries(keys)
}

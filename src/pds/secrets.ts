import { randomBytes } from 'node:crypto'
import { type FileHandle, link, lstat, mkdir, open, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { inspect } from 'node:util'
import { P256Keypair, Secp256k1Keypair } from '@atproto/crypto'

/** The node's own keys. Printing, logging or serialising the object shows none of them. */
export type NodeKeys = {
  /** Signs session tokens (HS256). */
  jwtSecret: string
  adminPassword: string
  /** Signs PLC operations of every hosted account (secp256k1, hex). */
  plcRotationKeyHex: string
  /** Seeds DPoP nonces (RFC 9449 §8), 32 bytes as hex. */
  dpopSecret: string
  /** Signs links that prove by themselves what they are good for. */
  linkSecret: string
  /** Signs service tokens of the node; `#atproto` of its DID document. */
  serviceKey: Secp256k1Keypair
  /** Signs attestations; `#angelos_validator` of its DID document. */
  validatorKey: P256Keypair
  /** The same key for the ledger, which signs by itself. */
  validatorKeyHex: string
  /** File beside it that counts how often the validator was started. */
  validatorStarts: string
}

/**
 * Loads the node's keys from `<dataDir>/keys`, making those that are missing. Two processes that
 * start at once end with the same keys. Throws if others than the owner can reach a file, naming
 * the command that repairs it.
 */
export async function loadKeys(dataDir: string): Promise<NodeKeys> {
  const folder = path.join(dataDir, 'keys')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await assertPrivate(folder, '700')
  const key = (name: string) => loadKey(path.join(folder, name))
  const validatorKeyHex = await key('validator-key')
  const keys: NodeKeys = {
    jwtSecret: await key('jwt-secret'),
    adminPassword: await key('admin-password'),
    plcRotationKeyHex: await key('plc-rotation-key'),
    dpopSecret: await key('dpop-secret'),
    linkSecret: await key('link-secret'),
    serviceKey: await Secp256k1Keypair.import(await key('service-key')),
    validatorKey: await P256Keypair.import(validatorKeyHex),
    validatorKeyHex,
    validatorStarts: path.join(folder, 'validator-starts'),
  }
  const hidden = { value: () => '[node keys]' }
  return Object.defineProperties(keys, { toJSON: hidden, [inspect.custom]: hidden })
}

async function loadKey(file: string): Promise<string> {
  const known = await readKey(file)
  if (known !== undefined) return known
  await createKey(file)
  const made = await readKey(file)
  if (made === undefined) throw new Error(`${file} vanished while it was being created`)
  return made
}

async function readKey(file: string): Promise<string | undefined> {
  try {
    await assertPrivate(file, '600')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
  const key = await readFile(file, 'utf8')
  if (!/^[0-9a-f]{64}$/.test(key)) {
    throw new Error(`${file} is not a key of 64 hexadecimal digits; restore it from a backup`)
  }
  return key
}

/** Any 32 random bytes serve: as secret, as password, and (save for 2^-128) as a private key. */
async function createKey(file: string): Promise<void> {
  const temporary = `${file}.${process.pid}.${randomBytes(6).toString('hex')}`
  await using handle: FileHandle = await open(temporary, 'wx', 0o600)
  try {
    await handle.writeFile(randomBytes(32).toString('hex'))
    await handle.sync()
    // A link either makes the name or fails because another process made it: never half a file.
    await link(temporary, file).catch((error: unknown) => {
      if (!isErrno(error, 'EEXIST')) throw error
    })
  } finally {
    await rm(temporary, { force: true })
  }
  await using folder = await open(path.dirname(file))
  await folder.sync()
}

async function assertPrivate(place: string, mode: '600' | '700'): Promise<void> {
  const stat = await lstat(place)
  if (mode === '600' ? !stat.isFile() : !stat.isDirectory()) {
    throw new Error(`${place} must be a ${mode === '600' ? 'regular file' : 'folder'}`)
  }
  if ((stat.mode & 0o077) !== 0) {
    throw new Error(`${place} can be reached by others; run: chmod ${mode} '${place}'`)
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

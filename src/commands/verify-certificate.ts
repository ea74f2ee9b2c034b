import { readFile, stat } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { nativeCrypto } from '../crypto/native.ts'
import { showTokens } from '../tokens/amount.ts'
import { type Proof, readEpochs, verifyProof } from '../tokens/light-client.ts'
import { readProofFile } from '../tokens/proof-file.ts'
import { type Refusal, isRefusal, refuse } from '../tokens/refusal.ts'
import { cid } from '../tokens/shape.ts'
import { UsageError, fileFault } from './command.ts'

const FILE_MAX_BYTES = 64 * 1024 * 1024
const WIDTH = 10

/** What a status means to who is paid. */
const SHOWS = {
  final: 'the transfer is settled for good',
  confirmed: 'no other transfer can have this number in this epoch; it is not settled yet',
}

/**
 * `verify certificate FILE --genesis CID`: proves a token transfer from a file, asking nobody.
 * Answers the exit code: 0 when it is proved, 1 with the reason when it is not.
 */
export async function verifyCertificate(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { genesis: { type: 'string' }, json: { type: 'boolean', default: false } },
  })
  const [file] = positionals
  const { genesis } = values
  if (file === undefined || positionals.length !== 1)
    throw new UsageError('Say one file with the proof.')
  if (genesis === undefined || cid(genesis, 'genesis') !== undefined)
    throw new UsageError('Say with --genesis which first epoch you trust: its CID, bafyrei….')
  const told = tell(await judge(file, genesis))
  process.stdout.write(`${values.json ? JSON.stringify(told) : lines(told).join('\n')}\n`)
  return told.proved ? 0 : 1
}

type Judged = Exclude<ReturnType<typeof verifyProof>, Refusal> & { readonly newest: string }
type Told = { readonly proved: boolean; readonly [more: string]: unknown }

async function judge(file: string, genesis: string): Promise<Judged | Refusal> {
  const { size } = await stat(file).catch(fileFault)
  if (size > FILE_MAX_BYTES) return refuse('TooLarge', `${size} bytes, at most ${FILE_MAX_BYTES}`)
  const read = readProofFile(parseJson(await readFile(file, 'utf8').catch(fileFault)))
  if (!read.ok) return read
  const shown = verifyProof(nativeCrypto, genesis, read.proof)
  return isRefusal(shown) ? shown : { ...shown, newest: newestOf(genesis, read.proof) }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Which epoch is the newest that the file knows: whether there is a newer one it cannot say. */
function newestOf(genesis: string, { epochs }: Proof): string {
  const walked = readEpochs(nativeCrypto, genesis, epochs)
  const last = isRefusal(walked) ? undefined : walked.at(-1)
  return last ? `epoch ${last.epoch.epoch}, made ${last.epoch.createdAt}` : 'none'
}

function tell(found: Judged | Refusal): Told {
  if (isRefusal(found)) return { proved: false, reason: found.reason, detail: found.detail }
  const { status, id, time, signers, newest, transfer: read } = found
  const { epoch, seq, kind, credits } = read.transfer
  const paid = credits.map(({ to, amount, role }) => {
    const leg = role === undefined ? '' : ` (${role})`
    return `${showTokens(BigInt(amount))} to ${to}${leg}`
  })
  const about = { transfer: id, account: read.account, epoch, number: seq, kind, credits: paid }
  return { proved: true, status, shows: SHOWS[status], ...about, time, signers, newest }
}

function lines(told: Told): string[] {
  return Object.entries(told).flatMap(([name, value]) => {
    if (Array.isArray(value)) return value.map((one, n) => `${(n ? '' : name).padEnd(WIDTH)}${one}`)
    const text = value === true ? 'yes' : value === false ? 'no' : String(value)
    return [`${name.padEnd(WIDTH)}${text}`]
  })
}

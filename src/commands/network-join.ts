import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Config, readConfig } from '../config.ts'
import { readIfThere, writeDurably } from '../database/durable-file.ts'
import { genesisFile, readGenesis } from '../ledger-setting.ts'
import { serviceDid } from '../pds/identity.ts'
import { loadKeys } from '../pds/secrets.ts'
import type { ReadEpoch, ValidatorEntry } from '../tokens/epoch.ts'
import { type Verb, UsageError, fileFault } from './command.ts'

/** Takes part in a ledger: says by which key, and puts the first epoch where the node finds it. */
export const networkJoin: Verb = {
  name: 'join',
  summary: 'take part in a ledger with this node',
  usage: `./angelos network join [GENESIS] [--out FILE]

  Without a file it prints what the ledger's governance needs to take this node in: its DID, the
  key it validates with and its address. Hand it to whoever governs, who names it to
  "network init" or "network epoch --add".

  With the ledger's first epoch in a file, as "network init" has written it, it puts that into the
  data folder, where the node finds it when it starts next. A node follows one such ledger; its
  file is not written over.`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { out: { type: 'string' } },
    })
    const [file, ...more] = positionals
    if (more.length > 0) throw new UsageError('Say one file.')
    const config = readConfig()
    const entry = await ownEntry(config)
    const text = `${JSON.stringify(entry, null, 1)}\n`
    if (values.out !== undefined) await writeFile(values.out, text)
    else if (file === undefined) process.stdout.write(text)
    if (file !== undefined) await putGenesis(config, entry, file)
    return 0
  },
}

/** What the records of epochs say of this node as a validator. */
async function ownEntry(config: Config): Promise<ValidatorEntry> {
  const folder = resolve(config.ANGELOS_DATA_DIR)
  if (!existsSync(join(folder, 'keys')))
    throw new UsageError(`${folder} is not a node’s data folder. Set ANGELOS_DATA_DIR.`)
  const { validatorKey } = await loadKeys(folder)
  const { ANGELOS_HOSTNAME, ANGELOS_PORT, development, publicUrl } = config
  const did = serviceDid(ANGELOS_HOSTNAME, ANGELOS_PORT, development)
  return { did, key: validatorKey.did(), endpoint: publicUrl }
}

async function putGenesis(config: Config, entry: ValidatorEntry, file: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch(fileFault)
  const genesis = read(file, text)
  const place = genesisFile(resolve(config.ANGELOS_DATA_DIR))
  const there = readIfThere(place)
  if (there !== undefined && read(place, there).id !== genesis.id)
    throw new UsageError(`${place} holds another ledger, ${read(place, there).id}.`)
  await mkdir(dirname(place), { recursive: true, mode: 0o700 })
  writeDurably(place, text)
  const isIn = genesis.epoch.validators.some(({ key }) => key === entry.key)
  const role = isIn
    ? 'It validates from the first epoch on.'
    : 'It follows it, and validates once an epoch takes its key in.'
  process.stdout.write(`ledger  ${genesis.id}\nfile    ${place}\n${role} Start the node anew.\n`)
}

function read(file: string, text: string): ReadEpoch {
  try {
    return readGenesis(file, text)
  } catch (error) {
    return fileFault(error)
  }
}

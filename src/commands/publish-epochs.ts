import { nativeCrypto as crypto } from '../crypto/native.ts'
import { co } from '../lexicons/index.ts'
import { readEpochJson } from '../tokens/epoch-json.ts'
import { EPOCH, type ReadEpoch } from '../tokens/epoch.ts'
import { isRefusal } from '../tokens/refusal.ts'
import { PERSONHOOD, type Snapshot } from '../tokens/worth/personhood.ts'
import { type AccountSession, HostError } from './account-session.ts'
import { UsageError } from './command.ts'

const LEDGER = co.kendev.tokens.ledger.$nsid

/** Publishes the record of a ledger in the repo of who governs it. */
export async function publishLedger(session: AccountSession, genesis: ReadEpoch): Promise<void> {
  const { code, scale, supplyCap, createdAt } = genesis.epoch
  const record = { $type: LEDGER, code, scale, supplyCap, genesisEpoch: genesis.id, createdAt }
  await put(session, LEDGER, code.toLowerCase(), record)
}

/** Publishes those of these epochs that are not published yet; answers which. Throws `UsageError`
 *  where another one is published at the place of one. */
export async function publishEpochs(
  session: AccountSession,
  chain: readonly ReadEpoch[],
): Promise<readonly number[]> {
  const published: number[] = []
  for (const read of chain.toReversed()) {
    const { code, epoch } = read.epoch
    const rkey = `${code.toLowerCase()}.${epoch}`
    const there = await find(session, EPOCH, rkey)
    if (there !== undefined) {
      const found = readEpochJson(crypto, JSON.stringify(there))
      // They are published in their order, so all before it are there as well.
      if (!isRefusal(found) && found.id === read.id) break
      throw new UsageError(`${session.handle} has published another epoch as ${rkey}.`)
    }
    published.unshift(epoch)
  }
  for (const number of published) {
    const { epoch } = chain.find((one) => one.epoch.epoch === number)!
    await put(session, EPOCH, `${epoch.code.toLowerCase()}.${number}`, jsonOf(epoch))
  }
  return published
}

/** Publishes the snapshot of persons that an epoch is going to pin. */
export async function publishPersons(
  session: AccountSession,
  code: string,
  snapshot: Snapshot,
): Promise<void> {
  await put(session, PERSONHOOD, `${code.toLowerCase()}.${snapshot.epoch}`, snapshot)
}

async function find(session: AccountSession, collection: string, rkey: string): Promise<unknown> {
  const asked = { repo: session.did, collection, rkey }
  try {
    return (await session.get<{ value: unknown }>('com.atproto.repo.getRecord', asked)).value
  } catch (error) {
    if (error instanceof HostError && error.error === 'RecordNotFound') return undefined
    throw error
  }
}

async function put(
  session: AccountSession,
  collection: string,
  rkey: string,
  record: object,
): Promise<void> {
  const body = { repo: session.did, collection, rkey, record }
  await session.call('com.atproto.repo.putRecord', body)
}

/** Bytes become what JSON has for them. */
function jsonOf(record: object): object {
  return JSON.parse(JSON.stringify(record)) as object
}

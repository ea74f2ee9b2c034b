import { Secp256k1Keypair } from '@atproto/crypto'
import { type PDS, repoPrepare } from '@atproto/pds'
import { BlockMap, type VerifiedRepo, verifyRepo, verifyRepoCar } from '@atproto/repo'
import { parseCid } from '@atproto/lex'
import SqliteDatabase from 'better-sqlite3'
import { MESSAGE, getCar } from './client.ts'

export type Did = `did:${string}:${string}`
export type Commit = { cid: { toString(): string }; rev: string }

/** Checks a repo as its host gives it out: signature, tree, blocks. Returns the record keys. */
export async function verifiedKeys(
  server: { origin: string; pds: PDS },
  did: string,
): Promise<string[]> {
  const signingKey = (await server.pds.ctx.actorStore.keypair(did)).did()
  return keysOf(await verifyRepoCar(await getCar(server.origin, did), did, signingKey))
}

/** Checks a repo in a database file that no server has open. Returns the record keys. */
export async function verifiedKeysInFile(
  file: string,
  account: { did: string; privateKey: Uint8Array },
): Promise<string[]> {
  const db = new SqliteDatabase(file, { fileMustExist: true })
  try {
    const rows = db.prepare<[], { cid: string; content: Buffer }>('select * from repo_block').all()
    const blocks = new BlockMap(rows.map((row) => [parseCid(row.cid), row.content] as const))
    const root = db.prepare<[], { cid: string }>('select cid from repo_root').get()
    if (root === undefined) throw new Error('the repo has no root')
    const { did, privateKey } = account
    const signingKey = (await Secp256k1Keypair.import(privateKey)).did()
    return keysOf(await verifyRepo(blocks, parseCid(root.cid), did, signingKey))
  } finally {
    db.close()
  }
}

function keysOf(repo: VerifiedRepo): string[] {
  return repo.creates.map((create) => create.rkey).toSorted()
}

/** The rkey of a record's URI. */
export function rkeyOf(uri: string): string {
  return uri.slice(uri.lastIndexOf('/') + 1)
}

/** Writes one message without HTTP, as a part of the node does. */
export async function writeInProcess(pds: PDS, account: string, text: string): Promise<Commit> {
  const did = account as Did
  const record = { $type: MESSAGE, text, createdAt: '2026-01-01T00:00:00.000Z' } as const
  const write = await repoPrepare.prepareCreate({ did, collection: MESSAGE, record })
  const commit = await pds.ctx.actorStore.transact(did, async (txn) => {
    const made = await txn.repo.processWrites([write])
    await pds.ctx.sequencer.sequenceCommit(did, made)
    return made
  })
  await pds.ctx.accountManager.updateRepoRoot(did, commit.cid, commit.rev)
  return commit
}

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fromString } from '@atcute/cid'
import { Secp256k1Keypair } from '@atproto/crypto'
import Sqlite from 'better-sqlite3'
import { nodeLink } from '../firehose/mst-node.ts'
import { type Refusal, refuse } from '../firehose/refusal.ts'
import { type SignedRepo, openSignedBlocks } from '../firehose/signed-repo.ts'

/** An account of this node's PDS, and what its PDS says of it. */
export type OwnAccount = {
  readonly did: string
  readonly handle: string | null
  readonly status: 'active' | 'deactivated' | 'takendown'
}

/** The repos of this node's PDS, read from its files, whether it runs or not. */
export type OwnRepos = {
  readonly accounts: ReadonlyMap<string, OwnAccount>
  /** The repo as it stands now, checked like anybody's, with the key the PDS signs with. */
  read(did: string, now: Date): Promise<SignedRepo | Refusal>
}

/** Opens the files of `@atproto/pds` in a data folder; one without a PDS has no accounts. */
export function openOwnRepos(dataDir: string): OwnRepos {
  const pds = join(dataDir, 'pds')
  return {
    accounts: new Map(readAccounts(join(pds, 'account.sqlite')).map((a) => [a.did, a])),
    read: (did, now) => readRepo(actorFolder(pds, did), did, now),
  }
}

function readAccounts(file: string): OwnAccount[] {
  if (!existsSync(file)) return []
  const db = new Sqlite(file, { readonly: true, timeout: BUSY_MS })
  try {
    return db
      .prepare<[], OwnAccount>(
        `select did, handle, case when takedownRef is not null then 'takendown'
           when deactivatedAt is not null then 'deactivated' else 'active' end as status
         from actor order by did`,
      )
      .all()
  } finally {
    db.close()
  }
}

const BUSY_MS = 10_000

/** Where `ActorStore.getLocation` of the package has an account. */
function actorFolder(pds: string, did: string): string {
  const shard = createHash('sha256').update(did).digest('hex').slice(0, 2)
  return join(pds, 'actors', shard, did)
}

async function readRepo(folder: string, did: string, now: Date): Promise<SignedRepo | Refusal> {
  const file = join(folder, 'store.sqlite')
  if (!existsSync(file)) return refuse('MissingCommit', `${file} is not there`)
  const key = await Secp256k1Keypair.import(await readFile(join(folder, 'key')))
  const db = new Sqlite(file, { readonly: true, timeout: BUSY_MS })
  try {
    // One transaction sees one revision, whatever the PDS writes meanwhile.
    const read = db.transaction(() => {
      const root = db.prepare<[], { cid: string }>('select cid from repo_root').get()
      const all = db.prepare<[], { content: Buffer }>('select content from repo_block').all()
      return { root, blocks: new Map(all.map(({ content }) => [nodeLink(content), content])) }
    })
    const { root, blocks } = read()
    if (root === undefined) return refuse('MissingCommit', `${did} has no commit yet`)
    const identity = { did, signingKey: key.did() }
    return openSignedBlocks({ root: fromString(root.cid).bytes, blocks, identity, now })
  } finally {
    db.close()
  }
}

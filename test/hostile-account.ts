import { Secp256k1Keypair } from '@atproto/crypto'
import { Client } from '@did-plc/lib'
import { type Answer, ask } from './browser.ts'
import { FakeRepo, type Tampering } from './firehose/fake-repo.ts'
import { type HostileHost, startHostileHost } from './firehose/hostile-host.ts'
import { forgeToken } from './service-token.ts'

/** An account whose PDS is its accomplice, registered as any other is. */
export type HostileAccount = AsyncDisposable & {
  readonly did: string
  readonly repo: FakeRepo
  readonly host: HostileHost
  /** What is done to the proofs that the host hands out; nothing unless set. */
  tampering: Tampering
}

/** Starts the host and names it in a DID document of the directory. */
export async function createHostileAccount(plcUrl: string): Promise<HostileAccount> {
  let made: HostileAccount | undefined
  const host = await startHostileHost({
    answer: (request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://host')
      if (!made) return void response.writeHead(404).end()
      if (pathname.endsWith('/com.atproto.sync.getRepo'))
        return void made.repo.whole().then((car) => response.end(car))
      if (pathname.endsWith('/com.atproto.sync.getRepoStatus'))
        return void response.end(
          JSON.stringify({ did: made.did, active: true, rev: made.repo.rev }),
        )
      if (!pathname.endsWith('/com.atproto.sync.getRecord'))
        return void response.writeHead(404).end()
      const [collection = '', rkey = ''] = ['collection', 'rkey'].map(
        (n) => searchParams.get(n) ?? '',
      )
      void made.repo.proof(collection, rkey, made.tampering).then((car) => response.end(car))
    },
  })
  const rotation = await Secp256k1Keypair.create()
  const directory = new Client(plcUrl)
  const did = await directory.createDid({
    signingKey: rotation.did(),
    handle: 'mallory.hostile.test',
    pds: host.origin.replace('ws:', 'http:'),
    rotationKeys: [rotation.did()],
    signer: rotation,
  })
  const repo = await FakeRepo.create(did)
  await directory.updateAtprotoKey(did, rotation, repo.key.did())
  made = {
    did,
    repo,
    host,
    tampering: {},
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  }
  return made
}

/** Calls a node's method as the account's PDS would for it, with a token of the account's key. */
export async function callAs(
  { did, repo }: HostileAccount,
  node: { url: string; did: string },
  lxm: string,
  body: object,
): Promise<Answer> {
  const token = await forgeToken(repo.key, { iss: did, aud: node.did, lxm })
  const headers = { authorization: `Bearer ${token}` }
  return ask(`${node.url}/xrpc/${lxm}`, { method: 'POST', headers, body })
}

/** Writes the wish to be in a space and joins it; the node follows the account's host from then. */
export async function joinAs(
  account: HostileAccount,
  node: { url: string; did: string },
  space: string,
): Promise<Answer> {
  const collection = 'co.kendev.spaces.membershipRequest'
  const record = { $type: collection, space, createdAt: new Date().toISOString() }
  const writes = [{ action: 'create' as const, collection, rkey: space, record }]
  const { ops } = await account.repo.commit(writes)
  const uri = `at://${account.did}/${collection}/${space}`
  return callAs(account, node, 'co.kendev.spaces.join', { space, uri, cid: ops[0]!.cid!.$link })
}

import { Secp256k1Keypair } from '@atproto/crypto'
import { Client } from '@did-plc/lib'
import { FakeRepo, type Tampering } from './firehose/fake-repo.ts'
import { type HostileHost, startHostileHost } from './firehose/hostile-host.ts'

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
      if (!pathname.endsWith('/com.atproto.sync.getRecord') || !made)
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

import { type ServerResponse, createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { json } from './fake-host.ts'

/** Where an account lives and which key it has. */
export type Entry = { key: string; pds: string }

/** A PLC directory on loopback that answers documents from `entryOf`. */
export async function openDirectory(
  entryOf: (did: string) => Entry | undefined | Promise<Entry | undefined>,
): Promise<AsyncDisposable & { origin: string }> {
  const answer = async (url: string, response: ServerResponse) => {
    const did = decodeURIComponent(url.slice(1))
    const entry = await entryOf(did)
    if (entry === undefined) return json(response, { message: 'not registered' }, 404)
    return json(response, documentOf(did, entry))
  }
  const http = createServer((request, response) => void answer(request.url ?? '/', response))
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://localhost:${(http.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      http.closeAllConnections()
      await new Promise((resolve) => void http.close(resolve))
    },
  }
}

function documentOf(did: string, { key, pds }: Entry): object {
  const publicKeyMultibase = key.slice('did:key:'.length)
  return {
    id: did,
    alsoKnownAs: [`at://${did.slice(8, 14)}.test`],
    verificationMethod: [
      { id: `${did}#atproto`, type: 'Multikey', controller: did, publicKeyMultibase },
    ],
    service: [{ id: '#atproto_pds', type: 'AtprotoPersonalDataServer', serviceEndpoint: pds }],
  }
}

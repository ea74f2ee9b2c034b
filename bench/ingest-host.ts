import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { WebSocketServer } from 'ws'
import { repoCar } from '../test/simulator/repo.ts'
import { buildTown } from './ingest-town.ts'

/** What the parent is told, and what it says: to send so many frames, or to tell the CPU used. */
export type HostReady = { origin: string; accounts: number }
export type HostUsage = { cpuUs: number }
export type ToHost = { send: number } | 'usage'

/** Frames handed to the socket in one turn of the event loop. */
const TURN = 200

const { accounts, frames } = buildTown(Number(process.argv[2]))
const byDid = new Map(accounts.map((each) => [each.did, each]))
const http = createServer(answer)
const stream = new WebSocketServer({ server: http, perMessageDeflate: false })
await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve))
const origin = `http://localhost:${(http.address() as AddressInfo).port}`
let sent = 0
process.on('disconnect', () => process.exit())
process.on('message', (message: ToHost) => {
  if (message !== 'usage') return void emit(message.send)
  const { user, system } = process.cpuUsage()
  process.send!({ cpuUs: user + system } satisfies HostUsage)
})
process.send!({ origin, accounts: accounts.length } satisfies HostReady)

async function emit(count: number): Promise<void> {
  for (const until = sent + count; sent < until; sent++) {
    for (const client of stream.clients) client.send(frames[sent]!)
    if (sent % TURN === 0) await nextTurn()
  }
}

/** The town's PDS and its PLC directory. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url ?? '/', origin)
  const json = (body: object, status = 200) =>
    void response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(JSON.stringify(body))
  if (pathname.startsWith('/did:')) return json(documentOf(pathname.slice(1)))
  const method = pathname.split('.').at(-1)
  if (method === 'listRepos')
    return json({
      repos: accounts.map(({ did, state: { rev, commit } }) => {
        return { did, rev, head: commit.link, active: true }
      }),
    })
  const asked = byDid.get(searchParams.get('did') ?? '')
  if (!asked) return json({ error: 'RepoNotFound', message: 'It is not here.' }, 400)
  const { did, state } = asked
  if (method === 'getRepoStatus') return json({ did, active: true, rev: state.rev })
  response.end(repoCar(state))
}

function documentOf(did: string): object {
  const publicKeyMultibase = byDid.get(did)!.signer.didKey.slice('did:key:'.length)
  const key = { type: 'Multikey', controller: did, publicKeyMultibase }
  const pds = { type: 'AtprotoPersonalDataServer', serviceEndpoint: origin }
  return {
    id: did,
    verificationMethod: [{ id: `${did}#atproto`, ...key }],
    service: [{ id: '#atproto_pds', ...pds }],
  }
}

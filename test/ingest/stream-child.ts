import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket, WebSocketServer } from 'ws'
import { didOf } from './account.ts'
import { endlessFrame, endlessRepo, keyOf } from './endless-stream.ts'
import { repoCar } from '../simulator/repo.ts'
import { openDirectory } from './fake-directory.ts'
import { json } from './fake-host.ts'

/** Bytes that wait to be sent, above which nothing more is made. */
const WAITING_MAX = 1_000_000
const TURN = 20

const last = Number(process.argv[2])
const http = createServer(answer)
let sent = 0
const streams = new WebSocketServer({ server: http })
streams.on('connection', (client, request) => {
  const asked = new URL(request.url ?? '/', 'ws://host').searchParams.get('cursor')
  client.on('error', () => undefined)
  void send(client, Number(asked ?? 0))
})
http.listen(0, '127.0.0.1', () => void begin())
process.on('disconnect', () => process.exit())

async function begin(): Promise<void> {
  const origin = `http://localhost:${(http.address() as AddressInfo).port}`
  const directory = await openDirectory((did) => ({ key: keyOf(did), pds: origin }))
  process.send?.({ origin, plcUrl: directory.origin })
}

function answer({ url = '' }: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(url, 'http://host')
  const state = endlessRepo(searchParams.get('did') ?? didOf(0), sent)
  if (pathname.endsWith('listRepos')) return json(response, { repos: [] })
  if (state === undefined) return json(response, { error: 'RepoNotFound' }, 400)
  if (pathname.endsWith('getRepo')) return void response.end(repoCar(state))
  return json(response, { did: state.did, active: true, rev: state.rev })
}

/** Sends what comes after a cursor, as fast as it is taken. */
async function send(client: WebSocket, cursor: number): Promise<void> {
  for (let seq = cursor + 1; seq <= last && client.readyState === WebSocket.OPEN; seq += 1) {
    client.send(endlessFrame(seq))
    sent = seq
    if (seq % TURN === 0) await sleep(0)
    while (client.bufferedAmount > WAITING_MAX) await sleep(5)
  }
}

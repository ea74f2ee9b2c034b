import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { encode } from '@atcute/cbor'
import { type WebSocket, WebSocketServer } from 'ws'
import { type Message, type RepoState, frameOf, repoCar } from '../simulator/repo.ts'

/** A repo as a host has it. */
export type Served = { state: RepoState; status: string }

const PAGE = 7
const PIECE = 3_000
const REFUSALS: Readonly<Record<string, string>> = {
  deactivated: 'RepoDeactivated',
  suspended: 'RepoSuspended',
  takendown: 'RepoTakendown',
}

/** A PDS on loopback: its event stream, and what it answers of repos when it is asked. */
export class FakeHost implements AsyncDisposable {
  readonly served = new Map<string, Served>()
  /** time that a repo takes to be sent, in ms */
  slowMs = 0
  /** repos being sent now, and those sent so far */
  fetching = 0
  fetched = 0
  seq = 100_000
  /** frames given out in all */
  emitted = 0
  #kept: { seq: number; frame: Uint8Array }[] = []
  #oldest = 0
  readonly #http = createServer((request, response) => void this.#answer(request, response))
  readonly #stream = new WebSocketServer({ server: this.#http })

  async open(): Promise<this> {
    this.#stream.on('connection', (client, request) => this.#begin(client, request))
    await new Promise<void>((resolve) => void this.#http.listen(0, '127.0.0.1', resolve))
    return this
  }

  get origin(): string {
    return `http://localhost:${(this.#http.address() as AddressInfo).port}`
  }

  /** Whether it has nothing to tell, not even what it told before. */
  get isEmpty(): boolean {
    return this.#kept.length === 0
  }

  /** Gives out a message under the next number. */
  emit(message: Message): void {
    this.seq += 1
    this.emitted += 1
    const frame = frameOf(this.seq, message)
    this.#kept.push({ seq: this.seq, frame })
    for (const client of this.#stream.clients) client.send(frame)
  }

  /** Hangs up on everybody. */
  cut(): void {
    for (const client of this.#stream.clients) client.terminate()
  }

  /** Drops all but the newest frames, as a replay window does. */
  forget(keep: number): void {
    this.#kept = this.#kept.slice(Math.max(0, this.#kept.length - keep))
    this.#oldest = (this.#kept[0]?.seq ?? this.seq + 1) - 1
  }

  /** Counts anew, as after a backup was restored. */
  countAnew(): void {
    this.cut()
    this.#kept = []
    this.seq = Math.floor(this.seq / 2)
    this.#oldest = this.seq
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    this.#stream.close()
    this.#http.closeAllConnections()
    await new Promise((resolve) => void this.#http.close(resolve))
  }

  #begin(client: WebSocket, request: IncomingMessage): void {
    client.on('error', () => undefined)
    const asked = new URL(request.url ?? '/', 'ws://host').searchParams.get('cursor')
    const cursor = Number(asked ?? this.seq)
    if (cursor > this.seq) {
      client.send(note({ op: -1 }, { error: 'FutureCursor', message: 'not yet' }))
      return client.close()
    }
    if (cursor < this.#oldest) client.send(note({ op: 1, t: '#info' }, { name: 'OutdatedCursor' }))
    for (const { seq, frame } of this.#kept) if (seq > cursor) client.send(frame)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://host')
    const method = pathname.split('.').at(-1)
    const served = this.served.get(searchParams.get('did') ?? '')
    if (method === 'listRepos') return json(response, this.#list(searchParams.get('cursor')))
    if (served === undefined) return json(response, { error: 'RepoNotFound', message: 'no' }, 400)
    const { state, status } = served
    const active = status === 'active'
    if (method === 'getRepoStatus')
      return json(response, {
        did: state.did,
        active,
        ...(active ? { rev: state.rev } : { status }),
      })
    if (!active) return json(response, { error: REFUSALS[status] ?? 'RepoNotFound' }, 400)
    return this.#send(response, repoCar(state))
  }

  async #send(response: ServerResponse, car: Uint8Array): Promise<void> {
    this.fetching += 1
    const pieces = Math.ceil(car.length / PIECE)
    for (let at = 0; at < pieces && !response.destroyed; at += 1) {
      await sleep(this.slowMs / pieces)
      response.write(car.subarray(at * PIECE, (at + 1) * PIECE))
    }
    response.end()
    this.fetching -= 1
    this.fetched += 1
  }

  #list(cursor: string | null): object {
    const from = Number(cursor ?? 0)
    const all = [...this.served]
    const repos = all.slice(from, from + PAGE).map(([did, { state, status }]) => {
      const active = status === 'active'
      return { did, head: state.commit.link, rev: state.rev, active, ...(!active && { status }) }
    })
    return from + PAGE < all.length ? { repos, cursor: String(from + PAGE) } : { repos }
  }
}

function note(header: object, payload: object): Uint8Array {
  return Buffer.concat([encode(header), encode(payload)])
}

/** Answers with JSON. */
export function json(response: ServerResponse, body: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

import { randomBytes } from 'node:crypto'
import http from 'node:http'

export type Slot = { perSecond: number; latencies: number[] }
type Account = { did: string; accessJwt: string }

const COLLECTION = 'co.kendev.spaces.message'

/** Accounts on one server and the connections of their clients. */
export class WriteLoad {
  readonly #origin: URL
  readonly #agent: http.Agent
  readonly #accounts: Account[] = []
  #next = 0

  constructor(origin: string, clients: number) {
    this.#origin = new URL(origin)
    this.#agent = new http.Agent({ keepAlive: true, maxSockets: clients })
  }

  /** Makes `count` accounts with handles below the server's first domain. */
  async createAccounts(count: number): Promise<void> {
    const about = await this.#call<{ availableUserDomains: string[] }>(
      'GET',
      'com.atproto.server.describeServer',
    )
    const domain = about.availableUserDomains[0] ?? '.test'
    for (let made = 0; made < count; made++) {
      const handle = `b${randomBytes(6).toString('hex')}${domain}`
      const email = `${handle.replaceAll('.', '-')}@example.com`
      const body = { handle, email, password: randomBytes(12).toString('hex') }
      this.#accounts.push(await this.#call('POST', 'com.atproto.server.createAccount', { body }))
    }
  }

  /** Writes for so long, or so many records if that is more; latencies in milliseconds. */
  async run(slot: { clients: number; ms: number; atLeast?: number }): Promise<Slot> {
    const latencies: number[] = []
    const start = performance.now()
    const goesOn = (): boolean =>
      performance.now() - start < slot.ms || latencies.length < (slot.atLeast ?? 0)
    const client = async (): Promise<void> => {
      while (goesOn()) {
        const sent = performance.now()
        await this.#write()
        latencies.push(performance.now() - sent)
      }
    }
    await Promise.all(Array.from({ length: slot.clients }, client))
    return { perSecond: (latencies.length * 1000) / (performance.now() - start), latencies }
  }

  close(): void {
    this.#agent.destroy()
  }

  async #write(): Promise<void> {
    const account = this.#accounts[this.#next++ % this.#accounts.length]
    if (account === undefined) throw new Error('there are no accounts')
    const record = {
      $type: COLLECTION,
      space: account.did,
      text: `message ${this.#next}`,
      createdAt: '2026-01-01T00:00:00.000Z',
    }
    await this.#call('POST', 'com.atproto.repo.createRecord', {
      token: account.accessJwt,
      // The package does not know the lexicon; a node of ours checks the record all the same.
      body: { repo: account.did, collection: COLLECTION, record, validate: false },
    })
  }

  #call<T>(
    method: string,
    nsid: string,
    options: { body?: object; token?: string } = {},
  ): Promise<T> {
    const sent = options.body && Buffer.from(JSON.stringify(options.body))
    return new Promise((resolve, reject) => {
      const request = http.request({
        agent: this.#agent,
        host: this.#origin.hostname,
        port: this.#origin.port,
        method,
        path: `/xrpc/${nsid}`,
        headers: {
          ...(sent && { 'content-type': 'application/json', 'content-length': sent.length }),
          ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
        },
      })
      request.on('error', reject)
      request.on('response', (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          if (response.statusCode === 200) resolve(JSON.parse(text) as T)
          else reject(new Error(`${nsid}: ${response.statusCode} ${text.slice(0, 200)}`))
        })
      })
      request.end(sent)
    })
  }
}

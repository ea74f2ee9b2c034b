import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SpaceBatch } from '../../src/permissioned/store/store.ts'
import type { Crash } from './crash-points.ts'
import type { Answer, Life, Order } from './node-child.ts'

const CHILD = new URL('node-child.ts', import.meta.url)
const OUTPUT_MAX = 20_000

/** A node of which one life follows another; the next is loaded while one lives. */
export class SpaceNode implements AsyncDisposable {
  readonly #life: Omit<Life, 'crash'>
  #now: Loaded | undefined
  #spare: Loaded
  #ids = 0
  #lives = 0
  #output = ''

  constructor(life: Omit<Life, 'crash'>) {
    this.#life = life
    this.#spare = this.#load()
  }

  /** Begins the next life, which may end while it does. */
  async begin(crash?: Crash): Promise<void> {
    const next = this.#spare
    this.#now = next
    this.#spare = this.#load()
    await next.loaded
    const alive = Promise.race([told(next.child, 'alive'), next.ended])
    this.#lives += 1
    const url = new URL(this.#life.databaseUrl)
    url.searchParams.set('application_name', this.name)
    this.#tell({ kind: 'live', life: { ...this.#life, databaseUrl: String(url), crash } })
    await alive
  }

  /** What this life calls itself to the database. */
  get name(): string {
    return `${this.#life.node} ${this.#lives}`
  }

  get ended(): boolean {
    const child = this.#now?.child
    return child === undefined || child.exitCode !== null || child.signalCode !== null
  }

  /** Resolves when this life is over; throws when it ended by itself. */
  async end(): Promise<void> {
    const [code, signal] = await this.#now!.ended
    if (signal !== 'SIGKILL') throw new Error(`node ${this.#life.node} ended with ${code}`)
  }

  kill(): void {
    this.#now?.child.kill('SIGKILL')
  }

  arm(crash: Crash | undefined): void {
    this.#tell({ kind: 'crash', crash })
  }

  /** The revision of an acknowledged batch; undefined when the life ended before the answer. */
  write(batch: SpaceBatch): Promise<Answer | undefined> {
    return this.#ask((id) => ({ kind: 'write', id, batch }))
  }

  grant(did: string): Promise<Answer | undefined> {
    return this.#ask((id) => ({ kind: 'grant', id, did }))
  }

  /** The last of what all lives wrote to their error outputs. */
  get output(): string {
    return this.#output
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child, ended } of [this.#now, this.#spare].flatMap((one) => one ?? [])) {
      child.kill('SIGKILL')
      await ended
    }
  }

  #tell(order: Order): void {
    if (this.#now?.child.connected) this.#now.child.send(order, () => undefined)
  }

  async #ask(order: (id: number) => Order): Promise<Answer | undefined> {
    const now = this.#now
    if (!now || this.ended) return undefined
    const id = (this.#ids += 1)
    const { promise, resolve } = Promise.withResolvers<Answer | undefined>()
    const hear = (said: unknown) => {
      if (typeof said === 'object' && (said as Answer).id === id) resolve(said as Answer)
    }
    now.child.on('message', hear)
    void now.ended.then(() => resolve(undefined))
    this.#tell(order(id))
    const answer = await promise
    now.child.off('message', hear)
    return answer
  }

  #load(): Loaded {
    const execArgv = ['--disable-warning=ExperimentalWarning']
    // Most of a life would be spent with reading modules, which are the same each time.
    const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'angelos-modules') }
    const child = fork(CHILD, [], { execArgv, env, silent: true })
    child.setMaxListeners(100)
    const note = (data: Buffer) =>
      void (this.#output = (this.#output + String(data)).slice(-OUTPUT_MAX))
    child.stdout?.on('data', note)
    child.stderr?.on('data', note)
    const ended = once(child, 'exit') as Promise<[number | null, string | null]>
    return { child, ended, loaded: Promise.race([told(child, 'loaded'), ended]) }
  }
}

type Loaded = {
  readonly child: ChildProcess
  readonly loaded: Promise<unknown>
  readonly ended: Promise<[number | null, string | null]>
}

function told(child: ChildProcess, word: string): Promise<void> {
  return new Promise((resolve) => {
    const hear = (said: unknown) => {
      if (said !== word) return
      child.off('message', hear)
      resolve()
    }
    child.on('message', hear)
  })
}

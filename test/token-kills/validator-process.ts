import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Certificate } from '../../src/tokens/certificate.ts'
import { encodeRecord } from '../../src/tokens/encoding.ts'
import type { Order } from '../../src/tokens/ledger-view.ts'
import type { Answer } from '../../src/tokens/validator.ts'
import type { Crash } from '../business-kills/mortal-pool.ts'
import type { Life, Says, Told } from './child.ts'

const CHILD = new URL('child.ts', import.meta.url)
const OUTPUT_MAX = 20_000

/** A validator in a process of its own, of which one life follows another; the next is loaded while
 *  one lives. */
export class ValidatorProcess implements AsyncDisposable {
  readonly #life: Life
  #now: ChildProcess | undefined
  #spare: ChildProcess
  #output = ''
  #asked = 0
  readonly #open = new Map<number, (says: Exclude<Says, 'alive'> | undefined) => void>()

  constructor(life: Life) {
    this.#life = life
    this.#spare = this.#load()
  }

  /** Begins the next life; answers whether it came up, or ended at its statement before. */
  async begin(crash?: Crash): Promise<boolean> {
    const child = this.#spare
    this.#spare = this.#load()
    this.#now = child
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    child.on('message', (says: Says) => {
      if (says === 'alive') return resolve(true)
      this.#open.get(says.n)?.(says)
      return this.#open.delete(says.n)
    })
    child.once('exit', (_, signal) => {
      for (const answer of this.#open.values()) answer(undefined)
      this.#open.clear()
      if (signal === 'SIGKILL') resolve(false)
      else reject(new Error(`it ended by itself: ${this.#output}`))
    })
    child.send({ kind: 'live', life: this.#life, crash } satisfies Told)
    return promise
  }

  arm(crash: Crash): void {
    if (this.#now?.connected) this.#now.send({ kind: 'crash', crash } satisfies Told)
  }

  /** Its vote, or no; undefined when it has ended before it answered. */
  submit(order: Order): Promise<Answer | undefined> {
    const { account, bytes: record, keys, senderKey } = order
    return this.#ask((n) => ({ kind: 'submit', n, account, record, keys, senderKey }))
  }

  apply(order: Order, certified: Certificate): Promise<Answer | undefined> {
    const { account, bytes: record } = order
    const certificate = encodeRecord(certified)
    return this.#ask((n) => ({ kind: 'apply', n, account, record, certificate }))
  }

  /** Whether it has ended at its statement in time; otherwise it is killed where it is. */
  async ended(patienceMs: number): Promise<boolean> {
    const child = this.#now!
    if (hasEnded(child)) return true
    const late = setTimeout(() => child.kill('SIGKILL'), patienceMs)
    const begun = performance.now()
    await once(child, 'exit')
    clearTimeout(late)
    return performance.now() - begun < patienceMs
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of [this.#now, this.#spare]) {
      if (!child || hasEnded(child)) continue
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  }

  async #ask(told: (n: number) => Told): Promise<Answer | undefined> {
    const child = this.#now!
    if (hasEnded(child) || !child.connected) return undefined
    this.#asked += 1
    const n = this.#asked
    const { promise, resolve } = Promise.withResolvers<Exclude<Says, 'alive'> | undefined>()
    this.#open.set(n, resolve)
    // What cannot be sent any more is answered by the end of the process.
    child.send(told(n), () => undefined)
    const says = await promise
    if (says && 'error' in says) throw new Error(says.error)
    return says && (JSON.parse(says.answer) as Answer)
  }

  #load(): ChildProcess {
    const child = fork(CHILD, {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    child.stderr!.on('data', (text: Buffer) => {
      this.#output = `${this.#output}${text.toString()}`.slice(-OUTPUT_MAX)
    })
    return child
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Order } from './child.ts'
import type { Crash } from './mortal-pool.ts'

const CHILD = new URL('child.ts', import.meta.url)
const OUTPUT_MAX = 20_000

/** A shop in a process of its own, of which one life follows another; the next is loaded while one
 *  lives. */
export class ShopProcess implements AsyncDisposable {
  readonly #databaseUrl: string
  #now: ChildProcess | undefined
  #spare: ChildProcess
  #output = ''
  /** Where it is reached now. */
  url = ''

  constructor(databaseUrl: string) {
    this.#databaseUrl = databaseUrl
    this.#spare = this.#load()
  }

  /** Begins the next life and waits until it answers. */
  async begin(): Promise<void> {
    const child = this.#spare
    this.#spare = this.#load()
    this.#now = child
    child.send({ kind: 'live', databaseUrl: this.#databaseUrl } satisfies Order)
    const alive = new Promise<{ url: string }>((resolve, reject) => {
      child.on('message', (told) => {
        if (typeof told === 'object') resolve(told as { url: string })
      })
      child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${this.#output}`)))
    })
    this.url = (await alive).url
  }

  arm(crash: Crash): void {
    this.#now?.send({ kind: 'crash', crash } satisfies Order)
  }

  /** Lets time pass for it, and waits until it has done what is done now and then. */
  async later(ms: number): Promise<void> {
    const child = this.#now!
    const swept = new Promise<void>((resolve) => {
      const listen = (told: unknown) => {
        if (told !== 'swept') return
        child.off('message', listen)
        resolve()
      }
      child.on('message', listen)
    })
    child.send({ kind: 'later', ms } satisfies Order)
    await swept
  }

  /** Resolves with whether it ended where it was meant to, or was killed after `patienceMs`. */
  async ended(patienceMs: number): Promise<boolean> {
    const child = this.#now!
    if (child.exitCode !== null || child.signalCode !== null) return true
    const late = setTimeout(() => child.kill('SIGKILL'), patienceMs)
    const begun = performance.now()
    await once(child, 'exit')
    clearTimeout(late)
    return performance.now() - begun < patienceMs
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of [this.#now, this.#spare]) {
      if (!child || child.exitCode !== null || child.signalCode !== null) continue
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  }

  #load(): ChildProcess {
    const child = fork(CHILD, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    child.stderr!.on('data', (text: Buffer) => {
      this.#output = `${this.#output}${text.toString()}`.slice(-OUTPUT_MAX)
    })
    return child
  }
}

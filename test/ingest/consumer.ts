import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Life, Sample } from './consumer-child.ts'

const CHILD = new URL('consumer-child.ts', import.meta.url)
const CANNOT_BEGIN = 3
const OUTPUT_MAX = 20_000

/** One life of the consumer, in a process of its own. */
export type Consumer = AsyncDisposable & {
  readonly pid: number
  /** Settles when it begins to follow, with its modules loaded. */
  begun(): Promise<void>
  sample(): Promise<Sample>
  /** SIGKILL; throws when it had ended by itself, unless it could not begin. */
  kill(): Promise<void>
  readonly ended: boolean
  output(): string
}

/** Starts a consumer. */
export function startConsumer(life: Life): Consumer {
  const execArgv = ['--expose-gc', '--disable-warning=ExperimentalWarning']
  const child = fork(CHILD, [JSON.stringify(life)], { execArgv, silent: true })
  let output = ''
  const note = (data: Buffer) => void (output = (output + String(data)).slice(-OUTPUT_MAX))
  child.stdout?.on('data', note)
  child.stderr?.on('data', note)
  const exited = once(child, 'exit')
  const begun = told(child, exited)
  return {
    pid: child.pid!,
    begun: () => begun,
    async sample() {
      child.send('sample')
      for (;;) {
        const [message] = (await Promise.race([once(child, 'message'), exited])) as [unknown]
        if (typeof message === 'object' && message !== null) return message as Sample
        if (typeof message !== 'string') throw new Error(`the consumer has ended: ${output}`)
      }
    },
    async kill() {
      child.kill('SIGKILL')
      const [code, signal] = (await exited) as [number | null, string | null]
      if (signal !== 'SIGKILL' && code !== CANNOT_BEGIN)
        throw new Error(`the consumer ended by itself with ${code ?? signal}: ${output}`)
    },
    get ended() {
      return child.exitCode !== null || child.signalCode !== null
    },
    output: () => output,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function told(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  await Promise.race([once(child, 'message'), exited])
}

import { fork } from 'node:child_process'
import { once } from 'node:events'

export type Counters = { prepares: number; closes: number; jsSignatures: number; syncs: number }
export type WriteServer = {
  origin: string
  /** What the process did since the last call; undefined where it can't be asked. */
  counters(): Promise<Counters | undefined>
  close(): Promise<void>
}
export type StartServer = { start(): Promise<WriteServer> }
export type ToChild = 'counters'
export type FromChild = { origin: string } | { counters: Counters }

/** A server with its own PLC directory in its own process: the PDS as the package makes it or
 *  fastened, or the whole node. */
export function serverProcess(kind: 'bare' | 'fast' | 'node', args: string[] = []): StartServer {
  return {
    start: async () => {
      const script = new URL('./write-child.ts', import.meta.url)
      const child = fork(script, [kind, ...args], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
      const next = async (): Promise<FromChild> => {
        const gone = once(child, 'exit').then(() => {
          throw new Error(`the ${kind} server ended`)
        })
        gone.catch(() => {})
        const [message]: FromChild[] = await Promise.race([once(child, 'message'), gone])
        if (message === undefined) throw new Error('an empty message')
        return message
      }
      const ready = await next()
      if (!('origin' in ready)) throw new Error('the server did not say where it is')
      return {
        origin: ready.origin,
        counters: async () => {
          const answer = next()
          child.send('counters' satisfies ToChild)
          const message = await answer
          return 'counters' in message ? message.counters : undefined
        },
        close: async () => {
          const exited = once(child, 'exit')
          child.disconnect()
          await exited
        },
      }
    },
  }
}

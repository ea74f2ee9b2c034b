import { type Log, silentLog } from '../../src/log.ts'

/** A log that keeps nothing but what must never happen. */
export function watchfulLog(fatal: (what: string) => void): Log {
  const nothing = (): void => undefined
  const log: Log = Object.assign(Object.create(silentLog) as Log, {
    trace: nothing,
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: nothing,
    fatal: ({ err }: { err?: unknown }, text: string) => fatal(`${text}: ${String(err)}`),
    child: () => log,
  })
  return log
}

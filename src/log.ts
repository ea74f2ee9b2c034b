import { type DestinationStream, type Logger, pino } from 'pino'

export type Log = Logger

/** Names whose values never reach a log line, at the top level or one level down. */
const SECRET = [
  'authorization',
  'cookie',
  'dpop',
  'password',
  'secret',
  'token',
  'accessJwt',
  'refreshJwt',
  'privateKey',
]

/** The one logger of a process: JSON lines with secrets cut out. Parts take children of it. */
export function createLog(options: { level: string; to?: DestinationStream }): Log {
  const paths = SECRET.flatMap((name) => [name, `*.${name}`, `*.headers.${name}`])
  return pino(
    { level: options.level, base: null, redact: { paths, censor: '[secret]' } },
    options.to ?? pino.destination({ dest: 1, sync: false }),
  )
}

/** A logger that says nothing, for tests and tools. */
export const silentLog: Log = pino({ level: 'silent' })

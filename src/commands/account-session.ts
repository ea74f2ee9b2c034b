import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { UsageError, fileFault } from './command.ts'

/** Somebody's session at their PDS, for as long as a command takes. */
export type AccountSession = {
  readonly did: string
  readonly handle: string
  /** Origin of the PDS. */
  readonly service: string
  get<T>(nsid: string, params?: Readonly<Record<string, string | number>>): Promise<T>
  call<T>(nsid: string, body?: object): Promise<T>
}

/** What a host answers that is not what was asked for; `error` is its name. */
export class HostError extends Error {
  override readonly name = 'HostError'
  readonly error: string
  constructor(nsid: string, status: number, { error = '', message = '' }: Fault) {
    super(`${nsid} answered ${status} ${error}: ${message}`)
    this.error = error
  }
}

/** Runs a part of a command; what a host has refused is told without where in the program. */
export async function tellingHosts(run: () => Promise<number>): Promise<number> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    process.stderr.write(`${error.message}\n`)
    return 1
  }
}

type Fault = { readonly error?: string; readonly message?: string }
type Call = {
  readonly params?: Readonly<Record<string, string | number>>
  readonly body?: object
  /** Set for a procedure that takes no body. */
  readonly post?: boolean
  readonly token?: string
}

const TIMEOUT_MS = 30_000

/**
 * Logs in at a PDS. The password is in a file, or is the first line of the standard input; on a
 * terminal it is asked for and not shown. Never an argument, which every process could read.
 * Throws `UsageError` when the PDS refuses it.
 */
export async function openSession(of: {
  readonly service: string
  readonly account: string
  readonly passwordFile: string | undefined
}): Promise<AccountSession> {
  const { service, account, passwordFile } = of
  const password =
    passwordFile === undefined
      ? await askPassword(account)
      : (await readFile(passwordFile, 'utf8').catch(fileFault)).trim()
  type Made = { did: string; handle: string; accessJwt: string }
  const body = { identifier: account, password }
  const made = await callHost<Made>(service, 'com.atproto.server.createSession', { body }).catch(
    (error: unknown) => {
      throw new UsageError(
        error instanceof HostError
          ? `${service} does not let ${account} in: ${error.message}`
          : `${service} cannot be reached: ${String(error)}`,
      )
    },
  )
  const token = made.accessJwt
  return {
    did: made.did,
    handle: made.handle,
    service,
    get: (nsid, params = {}) => callHost(service, nsid, { params, token }),
    call: (nsid, sent) =>
      callHost(service, nsid, { post: true, token, ...(sent && { body: sent }) }),
  }
}

/** Calls a method at a host; throws `HostError` when it answers with an error. */
export async function callHost<T>(
  origin: string,
  nsid: string,
  { params = {}, body, post = body !== undefined, token }: Call = {},
): Promise<T> {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) query.set(name, String(value))
  const search = query.size === 0 ? '' : `?${query.toString()}`
  const response = await fetch(`${origin}/xrpc/${nsid}${search}`, {
    ...(post && { method: 'POST' }),
    ...(body && { body: JSON.stringify(body) }),
    headers: {
      ...(body && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  const text = await response.text()
  if (!response.ok) throw new HostError(nsid, response.status, faultOf(text))
  return (text === '' ? {} : JSON.parse(text)) as T
}

function faultOf(text: string): Fault {
  try {
    return JSON.parse(text) as Fault
  } catch {
    return { message: text.slice(0, 200) }
  }
}

async function askPassword(account: string): Promise<string> {
  const { stdin, stderr } = process
  const hidden = new Writable({ write: (_chunk, _encoding, done) => done() })
  if (stdin.isTTY) stderr.write(`Password of ${account}: `)
  const lines = createInterface({ input: stdin, output: hidden, terminal: stdin.isTTY })
  try {
    for await (const line of lines) return line.trim()
  } finally {
    lines.close()
    if (stdin.isTTY) stderr.write('\n')
  }
  throw new UsageError('Name a file with the password with --password-file, or give it as input.')
}

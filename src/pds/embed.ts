import { mkdir } from 'node:fs/promises'
import type http from 'node:http'
import {
  PDS,
  type ServerConfig,
  type ServerEnvironment,
  envToCfg,
  envToSecrets,
} from '@atproto/pds'
import { type PdsSettings, toEnvironment } from './settings.ts'

/** A PDS inside this process. `close` ends its connections, subscriptions and databases. */
export type Embedded = {
  pds: PDS
  /**
   * Listens on the settings' host and port. `prepare` gets the server before the first request
   * can arrive, to put the node's origin in front of the PDS.
   */
  start: (prepare?: (server: http.Server) => void) => Promise<http.Server>
  close: () => Promise<void>
}

/**
 * Makes a PDS from typed settings, not yet listening. Throws on settings the package refuses (for
 * example production on localhost, which OAuth does not allow).
 */
export async function createPds(settings: PdsSettings): Promise<Embedded> {
  // The package would open its SQLite files readable by all.
  await mkdir(settings.dataDir, { recursive: true, mode: 0o700 })
  // envToCfg reads a missing key as undefined; its type wants every key spelt out.
  const environment = toEnvironment(settings) as ServerEnvironment
  const config = withPublicUrl(envToCfg(environment), settings.publicUrl)
  const pds = await PDS.create(config, envToSecrets(environment))
  resolveHandlesHere(pds, settings)
  let closing: Promise<void> | undefined
  return {
    pds,
    start: (prepare) => listen(pds, settings.host, prepare),
    close: () => (closing ??= pds.destroy()),
  }
}

function withPublicUrl(config: ServerConfig, publicUrl: string | undefined): ServerConfig {
  if (publicUrl === undefined) return config
  return {
    ...config,
    service: { ...config.service, publicUrl },
    oauth: { ...config.oauth, issuer: publicUrl },
  }
}

/**
 * The node answers for its own handles itself: it may not reach its own public name, and in
 * development there is none. The one resolver instance is shared by every part of the PDS.
 */
function resolveHandlesHere(pds: PDS, settings: PdsSettings): void {
  const { handle: resolver } = pds.ctx.idResolver
  const elsewhere = resolver.resolve.bind(resolver)
  resolver.resolve = async (handle) => {
    const name = handle.toLowerCase()
    if (settings.handleDomains.some((domain) => name.endsWith(domain))) {
      const account = await pds.ctx.accountManager.getAccount(name as `${string}.${string}`)
      if (account) return account.did
    }
    if (settings.development && settings.resolveHandle) {
      const did = await settings.resolveHandle(name)
      if (did !== undefined) return did
    }
    return elsewhere(handle)
  }
}

/**
 * `pds.start()` calls `app.listen(port)`, on every interface. Handing the host to that same call
 * keeps what the package hangs on it: the upgrade listener and the terminator.
 */
async function listen(
  pds: PDS,
  host: string,
  prepare?: (server: http.Server) => void,
): Promise<http.Server> {
  const inherited = pds.app.listen.bind(pds.app) as (port: number, host: string) => http.Server
  const onHost = (port: number) => {
    const server = inherited(port, host)
    prepare?.(server)
    return server
  }
  pds.app.listen = onHost as typeof pds.app.listen
  return pds.start()
}

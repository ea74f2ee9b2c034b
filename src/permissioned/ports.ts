import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { SqlPool } from '../database/sql.ts'
import type { Timers } from '../clock.ts'
import type { IdentityResolver } from '../identity/resolver.ts'
import type { Log } from '../log.ts'
import type { Outbound } from '../outbound/fetch.ts'
import type { SignBytes } from './commit.ts'

/** How an account of this node stands. */
export type AccountStatus = 'active' | 'deactivated' | 'takendown' | 'suspended'

/** A local account that proved itself; an app password is refused wherever spaces are concerned. */
export type OwnSession = {
  did: string
  kind: 'session' | 'appPassword' | 'oauth'
}

/** What a write of a repo is announced with. */
export type WriteNotice = {
  space: string
  repo: string
  repoRev: string
  hash: Uint8Array
}

/** The same with its place in the space, as the authority tells it; the first write has none before. */
export type PlacedNotice = WriteNotice & { spaceRev: string; prevSpaceRev?: string }

/** What follows spaces: those of other hosts, and members' repos elsewhere in spaces of this one.
 *  It answers false of a space that it does not follow. */
export type SyncerPort = {
  notified(notice: PlacedNotice): Promise<boolean>
  spaceDeleted(space: string): Promise<boolean>
}

/** The accounts of this node, as far as their permissioned repos need them. */
export type Accounts = {
  /** undefined for an account that is not hosted here */
  status(did: string): Promise<AccountStatus | undefined>
  /** Signs with the account's #atproto key. */
  sign(did: string): SignBytes
}

/** A file as it was uploaded. */
export type BlobContent = { stream: Readable; mimeType: string; size: number }

/** What the host of permissioned repos and of spaces is handed by the node. */
export type HostPorts = {
  /** the node's DID; asked about access as `#angelos_appview` */
  readonly serviceDid: string
  readonly pool: SqlPool
  readonly timers: Timers
  readonly log: Log
  readonly resolver: IdentityResolver
  readonly outbound: Outbound
  readonly accounts: Accounts
  session(request: IncomingMessage, response: ServerResponse): Promise<OwnSession>
  /** Checks a service token for a method, one use each; throws 401 with the fault's name. */
  service(token: string, nsid: string, audience: (aud: string) => boolean): Promise<ServiceCaller>
}

/** Who sent a service token, and to whom it is addressed. */
export type ServiceCaller = { did: string; aud: string }

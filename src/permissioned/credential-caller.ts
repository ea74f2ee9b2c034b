import type { IncomingMessage } from 'node:http'
import { AuthRequiredError, UpstreamFailureError } from '@atproto/xrpc-server'
import type { Sql } from '../database/sql.ts'
import { IdentityUnavailable } from '../identity/fetch-document.ts'
import { type SpaceAuthority, spaceAuthorityOf } from '../identity/space-authority.ts'
import { unauthorized } from './answers.ts'
import type { Exchange } from './mount.ts'
import type { OwnCaller } from './own-caller.ts'
import type { HostPorts } from './ports.ts'
import type { Reader } from './repo-reader.ts'
import { isRevoked } from './revoke.ts'

/** Whoever holds a credential of a space and the key it is bound to, for one audience. */
export type CredentialCaller = {
  readonly kind: 'credential'
  readonly space: string
  readonly audience: string
  readonly jti: string
}

const SCHEME = /^Atproto-Space +(\S+)$/i

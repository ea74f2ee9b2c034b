import type { Server } from '@atproto/xrpc-server'
import type { Sql } from '../../../database/sql.ts'
import type { Decide } from '../access.ts'
import { forbidden, refused, unauthorized } from '../answers.ts'
import { asUpstream } from '../credential-caller.ts'
import { makeCredential } from '../../tokens/credential.ts'
import { rememberCredential } from '../../store/credentials.ts'
import { checkDelegation, makeDelegation } from '../../tokens/delegation.ts'
import type { HostedSpace, HostedSpaces } from '../hosted-spaces.ts'
import { checkExchange } from '../../tokens/http-signature.ts'
import { peekJwt } from '../../tokens/jwt.ts'
import { type Exchange, type Space, route, spaceOf } from '../mount.ts'
import type { OwnCaller } from '../own-caller.ts'
import type { HostPorts } from '../../ports.ts'
import { nsid } from '../../wire.ts'

type Deps = Pick<HostPorts, 'accounts' | 'resolver' | 'timers'> & {
  own: (exchange: Exchange) => Promise<OwnCaller>
  sql: Sql
  spaces: HostedSpaces
  decide: Decide
}

/** Longer than the clocks of two hosts may differ. */
const SKEW_MS = 10_000

/** `getDelegationToken` and `getSpaceCredential`: a person's word is exchanged, at the host of the
 *  space, for what opens the repos of the space to the one key that signed for it. */
export function issueCredential(server: Server, deps: Deps): void {
  const { accounts, timers } = deps
  route(server, nsid.getDelegationToken, {
    caller: deps.own,
    answer: async ({ input, caller: own }) => {
      const space = spaceOf(input['space'])
      await own.may('read', space)
      const sign = accounts.sign(own.did)
      return {
        token: await makeDelegation({ did: own.did, space: space.uri, now: timers.now(), sign }),
      }
    },
  })
  route(server, nsid.getSpaceCredential, {
    caller: async ({ req }) => {
      const exchanged = checkExchange(req.headersDistinct)
      if (exchanged.ok) return exchanged
      if (req.headers.authorization === undefined) throw unauthorized('AuthMissing')
      throw unauthorized(exchanged.fault)
    },
    answer: async ({ input, caller: { token, key } }) => {
      const space = spaceOf(input['space'])
      const user = await delegatedBy(deps, token, space)
      const hosted = await deps.spaces.find(space)
      if (!hosted) throw refused('SpaceNotFound')
      await admit(deps, hosted, user)
      const sign = accounts.sign(space.authority)
      const made = await makeCredential({ space: space.uri, key, now: timers.now(), sign })
      const { jti, expiresAt } = made
      const { uri, authority } = space
      await rememberCredential(deps.sql, { space: uri, jti, authority, did: user, expiresAt })
      // Who was removed meanwhile has had credentials revoked that were kept before; this one is
      // kept now, so either that has found it, or this finds that they were removed.
      const now = await deps.spaces.require(space)
      await admit(deps, now, user)
      return { credential: made.token }
    },
  })
}

async function admit(deps: Deps, hosted: HostedSpace, user: string): Promise<void> {
  if (hosted.deletedAt !== null) throw refused('SpaceDeleted')
  const verdict = await deps.decide(hosted, user, 'read')
  if (verdict === 'no') throw forbidden('UserNotAuthorized')
  if (verdict === 'unknown') throw forbidden('NotAuthorized')
}

/** In whose name the token is, which is used up from then on. */
async function delegatedBy(deps: Deps, token: string, space: Space): Promise<string> {
  const { resolver, timers, sql } = deps
  const issuer = peekJwt(token)?.iss
  if (issuer === undefined) throw refused('InvalidDelegationToken')
  const check = async (refresh: boolean) => {
    const signingKey = (await resolver.resolve(issuer, { refresh }))?.signingKey ?? ''
    return checkDelegation(token, { space: space.uri, now: timers.now(), signingKey })
  }
  try {
    const first = await check(false)
    const checked = first.ok || first.fault !== 'BadJwtSignature' ? first : await check(true)
    if (!checked.ok) throw refused('InvalidDelegationToken')
    const until = new Date(checked.expiresAt.getTime() + SKEW_MS)
    const { rowCount } = await sql.query(USE, [checked.did, checked.jti, until])
    if (rowCount !== 1) throw unauthorized('JwtReplayed')
    return checked.did
  } catch (error) {
    throw asUpstream(error, issuer)
  }
}

const USE = `
  insert into node."seenToken" (iss, jti, "expiresAt") values ($1, $2, $3) on conflict do nothing`

import { systemClock, systemTimers } from '../src/clock.ts'
import { p256Signer } from '../src/crypto/p256.ts'
import type { Database } from '../src/database/database.ts'
import type { Sql, SqlPool } from '../src/database/sql.ts'
import { audienceUri } from '../src/permissioned/audience.ts'
import { credentialCaller } from '../src/permissioned/host/credential-caller.ts'
import type { Exchange } from '../src/permissioned/host/mount.ts'
import { makeCredential } from '../src/permissioned/tokens/credential.ts'
import { signUse } from '../src/permissioned/tokens/http-signature.ts'
import type { Figure } from './result.ts'

const AUTHORITY = 'did:plc:garage'
const AUDIENCE = 'did:plc:ada'
const AT_ONCE = 16

/** Checks of a credential and the signature of its use, as every request to a repo host brings
 *  them, for each second of this process's CPU; with the look for a revocation, and without. */
export async function benchChecks(
  { pool }: Database,
  report: (line: string) => void,
  checks: number,
): Promise<Figure[]> {
  const issuer = p256Signer()
  const exchange = await exchangeOf(issuer)
  const multibase = issuer.didKey.slice('did:key:'.length)
  const document = {
    id: AUTHORITY,
    verificationMethod: [
      { id: '#atproto', type: 'Multikey', controller: AUTHORITY, publicKeyMultibase: multibase },
    ],
    service: [{ id: '#atproto_pds', type: 'Pds', serviceEndpoint: 'https://garage.example.com' }],
  }
  const resolver = { document: async () => document } as never
  const nowhere = { query: async () => ({ rows: [], rowCount: 0 }) } as unknown as Sql
  const figures: Figure[] = []
  for (const [name, sql] of [
    ['credential checks, with revocations', pool as unknown as SqlPool],
    ['credential checks, without', nowhere],
  ] as const) {
    const check = credentialCaller(sql, { resolver, timers: systemTimers })
    await run(check, exchange, checks / 10)
    const cpu = process.cpuUsage()
    await run(check, exchange, checks)
    const { user, system } = process.cpuUsage(cpu)
    const ours = Math.round(checks / ((user + system) / 1e6))
    report(`${name}: ${ours} for each second of CPU`)
    const unit = 'checks/CPU second'
    figures.push({ bench: name, goal: null, ours, reference: null, ratio: null, unit })
  }
  return figures
}

async function run(
  check: ReturnType<typeof credentialCaller>,
  exchange: Exchange,
  checks: number,
): Promise<void> {
  let left = checks
  const one = async () => {
    while (left-- > 0) await check(exchange)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
}

async function exchangeOf(issuer: ReturnType<typeof p256Signer>): Promise<Exchange> {
  const signer = p256Signer()
  const space = audienceUri(AUTHORITY, 'members')
  const sign = async (bytes: Uint8Array) => issuer.sign(bytes)
  const asked = { space, key: signer.didKey, now: systemClock.now(), sign, alg: 'ES256' as const }
  const { token: credential } = await makeCredential(asked)
  const headers = signUse({ credential, audience: AUDIENCE, signer })
  const headersDistinct = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, [value]]),
  )
  return { req: { headers, headersDistinct }, res: {} } as unknown as Exchange
}

import { readLimitedJson } from '../outbound/read-limited.ts'
import { IdentityUnavailable } from './fetch-document.ts'

/** Since when an account exists, by the word of somebody who cannot be talked into another time;
 *  undefined where nobody can say. Throws when that cannot be found out now. */
export type BornAt = (did: string) => Promise<Date | undefined>

const PLC = /^did:plc:[a-z2-7]{24}$/u
const TIMEOUT_MS = 3_000
/** An identity changes rarely; one with a longer history than this is not looked into. */
const MAX_LOG = 1_000_000

/** Asks the PLC directory, which dates every operation itself. What a did:web says of its age is
 *  its own word. */
export function createBornAt({ plcUrl }: { plcUrl: string }): BornAt {
  return async (did) => {
    if (!PLC.test(did)) return undefined
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS)
      const response = await fetch(new URL(`/${did}/log/audit`, plcUrl), { signal })
      if (response.ok) return firstOf(await readLimitedJson(response, MAX_LOG))
      await response.body?.cancel()
      if (response.status === 404) return undefined
      throw new Error(`status ${response.status}`)
    } catch (cause) {
      throw new IdentityUnavailable(did, cause)
    }
  }
}

/** The log begins with the operation that made the identity. */
function firstOf(log: unknown): Date | undefined {
  const first = (Array.isArray(log) ? log[0] : undefined) as { createdAt?: unknown } | undefined
  const at = new Date(typeof first?.createdAt === 'string' ? first.createdAt : Number.NaN)
  return Number.isNaN(at.getTime()) ? undefined : at
}

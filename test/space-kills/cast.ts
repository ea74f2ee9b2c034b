import { createHash } from 'node:crypto'
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises'
import type { Timers } from '../../src/clock.ts'
import { type Signer, signerFromPrivateKey } from '../../src/crypto/ecdsa.ts'
import { audienceUri } from '../../src/permissioned/audience.ts'

/** The node of the authority, and that of members elsewhere. */
export type NodeName = 'a' | 'b'
export const NODES = ['a', 'b'] as const

const did = (name: string) => `did:plc:${name.padEnd(24, 'a')}`
/** The account that the spaces are of, and people of either node. */
export const CLUB = did('club')
export const [ADA, BEN, CLEO] = [did('ada'), did('ben'), did('cleo')] as const
export const NODE_DIDS = { a: did('nodea'), b: did('nodeb') }
export const HOSTED = { a: [CLUB, ADA], b: [BEN, CLEO] }
export const ROLES = { [ADA]: 'space_admin', [BEN]: 'member', [CLEO]: 'moderator' }

/** A repo in a space, and the node that keeps it. */
export type RepoOf = { readonly space: string; readonly did: string; readonly home: NodeName }
export const MEMBERS = audienceUri(CLUB, 'members')
export const STAFF = audienceUri(CLUB, 'staff')
export const REPOS: readonly RepoOf[] = [
  ...[CLUB, ADA, BEN, CLEO].map((who) => ({ space: MEMBERS, did: who, home: homeOf(who) })),
  ...[CLUB, ADA, CLEO].map((who) => ({ space: STAFF, did: who, home: homeOf(who) })),
]

function homeOf(who: string): NodeName {
  return HOSTED.a.includes(who) ? 'a' : 'b'
}

/** The key of an account, the same in every process. */
export function signerOf(who: string): Signer {
  return signerFromPrivateKey(createHash('sha256').update(who).digest())
}

/** How time runs in all processes of a series: faster than outside, and the same everywhere. */
export type Time = { readonly base: number; readonly factor: number }

/** Time that runs so. */
export function fastTimers({ base, factor }: Time): Timers {
  const now = () => new Date(base + (performance.timeOrigin + performance.now() - base) * factor)
  return {
    now,
    sleep: (ms, signal) =>
      wait(ms / factor, undefined, signal && { signal }).catch(() => undefined),
    breathe: () => nextTurn(),
    random: Math.random,
  }
}

import { refused } from './answers.ts'
import type { Sql } from '../../database/sql.ts'
import { AUDIENCE_TYPES } from '../audience.ts'
import type { Space } from './mount.ts'
import type { AppAccess, Policy } from './policy.ts'
import type { SpaceRef } from '../space-ref.ts'

/** A space that this node is the host of, as its authority has set it up. */
export type HostedSpace = {
  space: string
  authority: string
  type: string
  skey: string
  readPolicy: Policy
  writePolicy: Policy
  appAccess: AppAccess
  spaceRev: string | null
  deletedAt: Date | null
}

/** Finds the spaces hosted here. */
export type HostedSpaces = {
  /** also a deleted one, by its tombstone */
  find(space: Space): Promise<HostedSpace | undefined>
  /** Throws `SpaceNotFound` for what is not hosted here, or no longer. */
  require(space: Space): Promise<HostedSpace>
}

/** Makes the row of an audience of ours when it is first asked for; false when the account is none
 *  that has audiences. */
export type EnsureAudience = (space: Space) => Promise<boolean>

/** Whether a space is an audience, whose members follow from roles. */
export function isAudience({ type }: Pick<SpaceRef, 'type'>): boolean {
  return AUDIENCE_TYPES.includes(type)
}

/** Reads `repo.space`. */
export function createHostedSpaces(sql: Sql, ensureAudience: EnsureAudience): HostedSpaces {
  const read = async (uri: string) => {
    const { rows } = await sql.query<HostedSpace>('select * from repo.space where space = $1', [
      uri,
    ])
    return rows[0]
  }
  const find = async (space: Space) => {
    const row = await read(space.uri)
    if (row || !isAudience(space) || !(await ensureAudience(space))) return row
    return read(space.uri)
  }
  return {
    find,
    require: async (space) => {
      const row = await find(space)
      if (!row || row.deletedAt !== null) throw refused('SpaceNotFound')
      return row
    },
  }
}

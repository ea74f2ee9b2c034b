import type { Sql } from '../../database/sql.ts'
import type { SpaceRef } from '../space-ref.ts'

/** What an OAuth client may do in the spaces of one type of one authority. */
export type GrantAction = 'read' | 'create' | 'update' | 'delete' | 'manage'

/** The leave that an account gives to the OAuth clients it has logged in with, whose own scopes do
 *  not speak of spaces yet. */
export type SpaceGrant = {
  authority: string
  spaceType: string
  actions: string[]
  createdAt: string
  expiresAt?: string
}

/** The grants of accounts, kept and looked up. */
export type SpaceGrants = {
  put(did: string, grant: SpaceGrant): Promise<void>
  /** In the order of authority and type; `cursor` is the last one's, as `list` gave it. */
  list(did: string, limit: number, cursor?: string): Promise<SpaceGrantPage>
  /** Whether there was one. */
  remove(did: string, grant: { authority: string; spaceType: string }): Promise<boolean>
  covers(did: string, ref: Omit<SpaceRef, 'skey'>, action: GrantAction): Promise<boolean>
}

/** A page of grants, with a cursor when there may be more. */
export type SpaceGrantPage = { items: SpaceGrant[]; cursor?: string }

type Row = {
  authority: string
  spaceType: string
  actions: string[]
  createdAt: Date
  expiresAt: Date | null
}

const COLUMNS = '"spaceType", authority, actions, "createdAt", "expiresAt"'

/** Keeps them in `repo.grant`; one that has expired covers nothing and is still listed. */
export function createSpaceGrants(sql: Sql, clock: { now(): Date }): SpaceGrants {
  return {
    put: async (did, { authority, spaceType, actions, createdAt, expiresAt }) => {
      await sql.query(
        `insert into repo.grant (did, authority, "spaceType", actions, "createdAt", "expiresAt")
         values ($1, $2, $3, $4, $5, $6) on conflict (did, authority, "spaceType") do update
         set actions = excluded.actions, "createdAt" = excluded."createdAt",
           "expiresAt" = excluded."expiresAt"`,
        [did, authority, spaceType, actions, createdAt, expiresAt ?? null],
      )
    },
    list: async (did, limit, cursor = '') => {
      const [authority = '', spaceType = ''] = cursor.split(' ')
      const { rows } = await sql.query<Row>(
        `select ${COLUMNS} from repo.grant where did = $1 and (authority, "spaceType") > ($2, $3)
         order by authority, "spaceType" limit $4`,
        [did, authority, spaceType, limit],
      )
      const last = rows.length === limit ? rows.at(-1) : undefined
      const items = rows.map(grantOf)
      return last ? { items, cursor: `${last.authority} ${last.spaceType}` } : { items }
    },
    remove: async (did, { authority, spaceType }) => {
      const { rowCount } = await sql.query(
        'delete from repo.grant where did = $1 and authority = $2 and "spaceType" = $3',
        [did, authority, spaceType],
      )
      return rowCount === 1
    },
    covers: async (did, { authority, type }, action) => {
      const { rowCount } = await sql.query(
        `select 1 from repo.grant where did = $1 and authority = $2 and "spaceType" = $3
         and $4 = any(actions) and ("expiresAt" is null or "expiresAt" > $5)`,
        [did, authority, type, action, clock.now()],
      )
      return rowCount === 1
    },
  }
}

function grantOf({ createdAt, expiresAt, ...row }: Row): SpaceGrant {
  const grant = { ...row, createdAt: createdAt.toISOString() }
  return expiresAt ? { ...grant, expiresAt: expiresAt.toISOString() } : grant
}

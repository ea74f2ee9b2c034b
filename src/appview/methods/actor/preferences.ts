import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { required } from '../../access.ts'
import { VISIBILITIES } from '../../privacy.ts'
import { type Mount, procedure, query } from '../../serve.ts'
import type { SqlPool } from '../../sql.ts'

type Preferences = {
  email: boolean
  inApp: boolean
  guardianAngelAlerts: boolean
  profileVisibility: string
  karmaScoreVisible: boolean
  readReceipts: boolean
}

const UNLESS_CHOSEN: Preferences = {
  email: true,
  inApp: true,
  guardianAngelAlerts: true,
  profileVisibility: 'public',
  karmaScoreVisible: true,
  readReceipts: false,
}
const NAMES = Object.keys(UNLESS_CHOSEN) as (keyof Preferences)[]

/** `actor.getPreferences` and `putPreferences`: what the caller has chosen on this node. It is no
 *  record: nobody else is to know it. */
export function preferences(mount: Mount, { sql }: { readonly sql: SqlPool }): void {
  const { getPreferences, putPreferences } = co.kendev.actor

  query(mount, getPreferences, async ({ viewer }) => {
    const { did } = required(viewer)
    const { rows } = await sql.query<Preferences>(FIND, [did])
    return viewOf(rows[0] ?? UNLESS_CHOSEN)
  })

  procedure(mount, putPreferences, async ({ input, viewer }) => {
    const { profileVisibility: visibility = 'public' } = input
    if (!VISIBILITIES.some((known) => known === visibility))
      throw new InvalidRequestError(
        `profileVisibility is one of ${VISIBILITIES.join(', ')}.`,
        'InvalidRecord',
      )
    const chosen = NAMES.map((name) => input[name] ?? null)
    const rest = NAMES.map((name) => UNLESS_CHOSEN[name])
    const { rows } = await sql.query<Preferences>(PUT, [viewer.did, ...chosen, ...rest])
    return viewOf(rows[0]!)
  })
}

function viewOf({ profileVisibility, karmaScoreVisible, readReceipts, ...kept }: Preferences) {
  const { email, inApp, guardianAngelAlerts } = kept
  return {
    notifications: { email, inApp, guardianAngelAlerts },
    privacy: { profileVisibility, karmaScoreVisible, readReceipts },
  }
}

const COLUMNS = NAMES.map((name) => `"${name}"`)
const typeOf = (name: keyof Preferences) =>
  typeof UNLESS_CHOSEN[name] === 'string' ? 'text' : 'boolean'
const given = NAMES.map((name, n) => `$${n + 2}::${typeOf(name)}`)
const otherwise = NAMES.map((name, n) => `$${n + 2 + NAMES.length}::${typeOf(name)}`)

const FIND = `select ${COLUMNS.join(', ')} from node.preference where did = $1`
const PUT = `insert into node.preference as t (did, ${COLUMNS.join(', ')})
  values ($1, ${given.map((value, n) => `coalesce(${value}, ${otherwise[n]})`).join(', ')})
  on conflict (did) do update set
    ${COLUMNS.map((column, n) => `${column} = coalesce(${given[n]}, t.${column})`).join(', ')}
  returning ${COLUMNS.join(', ')}`

import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { type Acting, act } from '../../act.ts'
import { award } from '../../collections/karma/award.ts'
import { findAward } from '../../karma/award-views.ts'
import { WELCOME_POINTS } from '../../karma/judge.ts'
import type { Karma } from '../../karma/keep-karma.ts'
import { recordUri } from '../../reference.ts'
import { type Mount, type Reading, procedure } from '../../serve.ts'
import type { Sql } from '../../sql.ts'
import type { Turns } from '../../turns.ts'

type Deps = Reading &
  Acting & {
    readonly nodeAccount: () => Promise<string>
    readonly karma: Karma
    readonly inTurn: Turns
  }

/** `actor.completeOnboarding`: the node looks itself at what the caller has done, and its own
 *  account gives the award (`domain.md` N-10). */
export function completeOnboarding(mount: Mount, deps: Deps): void {
  const { sql, origin, loads, nodeAccount, karma, clock, nextTid, inTurn } = deps

  procedure(mount, co.kendev.actor.completeOnboarding, async ({ viewer }) => {
    const { did: recipient } = viewer
    const node = await nodeAccount()
    const uri = await inTurn(`welcome ${recipient}`, async () => {
      const given = await welcomeOf(sql, node, recipient)
      if (given !== undefined) return given
      await requireSteps(sql, recipient)
      const rkey = nextTid()
      const createdAt = clock.now().toISOString()
      const about = { recipient, type: 'welcome', points: WELCOME_POINTS, createdAt }
      await act(deps, {
        at: { did: node, collection: award.nsid, rkey, place: '' },
        record: { $type: award.nsid, ...about, reason: 'Welcome.' },
        by: { actor: recipient, action: co.kendev.actor.completeOnboarding.$lxm },
      })
      return recordUri(node, award.nsid, rkey)
    })
    await karma.settle()
    const view = await findAward({ sql, origin, loads, viewer: recipient }, uri)
    return { award: view } as never
  })
}

async function welcomeOf(sql: Sql, node: string, recipient: string): Promise<string | undefined> {
  const { rows } = await sql.query<{ uri: string }>(
    `select uri from appview.award where did = $1 and recipient = $2 and type = 'welcome' limit 1`,
    [node, recipient],
  )
  return rows[0]?.uri
}

async function requireSteps(sql: Sql, did: string): Promise<void> {
  const { rows } = await sql.query<{ named: boolean; joined: boolean }>(STEPS, [did])
  const { named, joined } = rows[0]!
  const steps = [
    ...(named ? [] : ['write a profile with your name']),
    ...(joined ? [] : ['join a space']),
  ]
  if (steps.length > 0)
    throw new InvalidRequestError(`Still to be done: ${steps.join(', and ')}.`, 'NotYet')
}

const STEPS = `select
    exists (select 1 from appview.profile where did = $1 and coalesce("displayName", '') <> '')
      as named,
    exists (select 1 from appview.membership where subject = $1 and active and status = 'active')
      as joined`

import { ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import { co } from '../../../lexicons/index.ts'
import { award } from '../../collections/karma/award.ts'
import { findAward } from '../../karma/award-views.ts'
import { type Uncounted, pointsOf } from '../../karma/judge.ts'
import type { Karma } from '../../karma/keep-karma.ts'
import { type OwnRecords, deleteOwn, putOwn } from '../../own-record.ts'
import { type Mount, type Reading, procedure } from '../../serve.ts'

type Deps = Reading &
  OwnRecords & { readonly clock: Clock; readonly nextTid: () => string; readonly karma: Karma }

/** `karma.giveAward`: an award of the caller's own. One that would not count is refused; of one
 *  that was announced, the answer says whether it counts. */
export function giveAward(mount: Mount, deps: Deps): void {
  const { sql, origin, loads, clock, nextTid, karma } = deps
  const collection = award.nsid

  procedure(mount, co.kendev.karma.giveAward, async ({ input, viewer }) => {
    const { uri, cid, recipient, type, contributionType, reason } = input
    if (uri !== undefined && cid === undefined) {
      const gone = await deleteOwn(deps, { viewer, collection, uri })
      await karma.settle()
      return gone as never
    }
    await karma.meet(viewer.did)
    const points = input.points ?? pointsOf(type ?? '')
    if (uri === undefined && viewer.kind === 'local') {
      if (!recipient || !type || points === undefined)
        throw new InvalidRequestError('Give recipient and type, and points.', 'InvalidRecord')
      if (recipient === viewer.did)
        throw new InvalidRequestError('SelfAward: recognise somebody else.', 'InvalidRecord')
      refuse(await karma.wouldCount({ did: viewer.did, recipient, type, points }))
    }
    const createdAt = clock.now().toISOString()
    const said = { recipient, type, contributionType, points, reason, createdAt }
    const made = await putOwn(
      deps,
      { viewer, collection, uri, cid },
      { rkey: nextTid(), record: { $type: collection, ...present(said) } },
    )
    await karma.settle()
    const view = await findAward({ sql, origin, loads, viewer: viewer.did }, made.uri)
    return { ...made, ...(view && { award: view }) } as never
  })
}

/** Throws the answer for an award that would not count. */
function refuse(why: Uncounted | undefined): void {
  if (why === undefined) return
  const [name, message] = ANSWERS[why]
  if (name === 'Forbidden') throw new ForbiddenError(message, name)
  throw new InvalidRequestError(message, name)
}

const ANSWERS: Readonly<Record<Uncounted, readonly [string, string]>> = {
  Revoked: ['InvalidRecord', 'This award was taken back.'],
  UnknownType: ['InvalidRecord', 'UnknownType: name one of the known types of award.'],
  TooManyPoints: ['InvalidRecord', 'TooManyPoints: the type is not worth so much. Give fewer.'],
  AgeUnknown: ['Forbidden', 'How old your account is cannot be found out. Try again later.'],
  AccountTooYoung: ['Forbidden', 'Accounts give awards from their fourth day on. Wait until then.'],
  RoleMissing: [
    'Forbidden',
    'Only admins, editors and guardian angels give awards of this type. ' +
      'Everybody may give helpful_response.',
  ],
  PairLimit: ['LimitExceeded', 'You have awarded this person three times in seven days. Wait.'],
  AwarderLimit: ['LimitExceeded', 'You have given ten awards today. Go on tomorrow (UTC).'],
  RecipientLimit: [
    'LimitExceeded',
    'Nobody gets more than 200 points a day. Give fewer, or wait until tomorrow (UTC).',
  ],
}

function present(said: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined))
}

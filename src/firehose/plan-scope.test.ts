import { describe, expect, test } from 'vitest'
import { NOW, PDS, commit, did, held } from '../../test/firehose/plan-events.ts'
import { planFailed, planFetched } from './plan.ts'
import { planFollow, planListed, planLost } from './plan-scope.ts'
import type { Standing } from './standing.ts'

const LATER = new Date('2026-11-23T13:00:00Z')

describe('a fetch', () => {
  const fetching: Standing = { ...held, state: 'in-progress' }
  const end = { rev: 'r5', data: 'd5', pds: PDS, upstream: 'active', queued: [] }

  test('brings the repo to where it was fetched, and then what was queued', () => {
    const plan = planFetched(fetching, { ...end, queued: [commit(5), commit(6)] }, NOW)
    expect(plan.changes.get(did)).toMatchObject({
      standing: { ...held, rev: 'r6', data: 'd6' },
      due: { reason: null, at: null, attempts: 'none' },
    })
    expect(plan.told).toMatchObject({ outcomes: { older: 1, applied: 1 } })
    expect([...plan.told.revs]).toEqual([[did, 'r6']])
  })

  test('with a gap to what was queued is to be done again', () => {
    const { changes } = planFetched(fetching, { ...end, queued: [commit(7)] }, NOW)
    expect(changes.get(did)).toMatchObject({
      standing: { state: 'desynchronized', rev: 'r5' },
      due: { reason: 'Gap', at: NOW, attempts: 'none' },
    })
  })

  test('that lacks what was handed out to be queued is to be done again', () => {
    const waiting: Standing = { ...fetching, handedOut: 'r6' }
    for (const queued of [[], [commit(5)]])
      expect(planFetched(waiting, { ...end, queued }, NOW).changes.get(did)).toMatchObject({
        standing: { state: 'desynchronized', rev: 'r5' },
        due: { reason: 'NotBrought', at: NOW, attempts: 'none' },
      })
    const state = (news: Partial<typeof end>) =>
      planFetched(waiting, { ...end, ...news }, NOW).changes.get(did)?.standing.state
    expect(state({ rev: 'r6' })).toBe('synchronized')
    expect(planFetched(waiting, { ...end, queued: [commit(6)] }, NOW).changes.get(did)).toEqual({
      standing: { ...waiting, state: 'synchronized', rev: 'r6', data: 'd6' },
      due: { reason: null, at: null, attempts: 'none' },
    })
    expect(state({ upstream: 'deleted' })).toBe('synchronized')
  })

  test('of a repo that was made desynchronized meanwhile counts for nothing', () => {
    const standing: Standing = { ...held, state: 'desynchronized' }
    const { changes, told } = planFetched(standing, { ...end, queued: [commit(6)] }, NOW)
    expect([...changes]).toEqual([])
    expect(told.outcomes).toEqual({ dropped: 1 })
  })

  test('shows an account whose new PDS confirms it', () => {
    const moved: Standing = { ...fetching, upstream: 'unconfirmed' }
    const plan = planFetched(moved, end, NOW)
    expect(plan.show).toEqual([did])
    expect(plan.changes.get(did)?.standing).toMatchObject({ state: 'synchronized', rev: 'r5' })
  })

  test('that fails waits, and hides the account when that is what its PDS told', () => {
    const failure = { reason: 'RepoDeactivated', retryAt: LATER, upstream: 'deactivated' }
    const plan = planFailed(fetching, failure, NOW)
    expect(plan.hide).toEqual([did])
    expect(plan.changes.get(did)).toMatchObject({
      standing: { state: 'desynchronized', upstream: 'deactivated' },
      due: { reason: 'RepoDeactivated', at: LATER, attempts: 'more' },
    })
    expect(plan.told.desynchronized).toEqual([])
  })

  test('that fails after its account came back does not hide it', () => {
    const back: Standing = { ...held, state: 'desynchronized' }
    const failure = { reason: 'RepoDeactivated', retryAt: LATER, upstream: 'deactivated' }
    expect(planFailed(back, failure, NOW).hide).toEqual([])
  })
})

describe('scope', () => {
  const known = (standing: Standing) => new Map([[did, standing]])
  const listed = { did, rev: 'r9', active: true }

  test('an account followed is fetched when it is unknown or nothing of it is held', () => {
    const who = { did, pds: PDS, handle: 'ada.test' }
    expect(planFollow(who, undefined, NOW).changes.get(did)).toMatchObject({
      standing: { state: 'desynchronized', pds: PDS },
      handle: 'ada.test',
    })
    const empty = { ...held, rev: null, data: null }
    expect(planFollow(who, { standing: empty, followed: false }, NOW).told.desynchronized).toEqual([
      did,
    ])
    for (const standing of [held, { ...held, state: 'in-progress' } as const])
      expect(
        planFollow(who, { standing, followed: false }, NOW).changes.get(did)?.standing,
      ).toEqual(standing)
  })

  test('a repo listed is fetched when it is unknown, and not when it is held', () => {
    const list = { repos: [listed], pds: PDS }
    expect(planListed(list, new Map(), NOW).told.desynchronized).toEqual([did])
    expect([...planListed(list, known(held), NOW).changes]).toEqual([])
  })

  test('a list cannot show an account again, but has its own PDS asked', () => {
    const plan = planListed({ repos: [listed], pds: PDS }, known({ ...held, upstream: 'x' }), NOW)
    expect(plan.show).toEqual([])
    expect(plan.changes.get(did)?.standing).toEqual({
      ...held,
      upstream: 'unconfirmed',
      state: 'desynchronized',
      reason: 'ListedActive',
    })
    expect(plan.told.desynchronized).toEqual([did])
  })

  test('of an account that is new and away by a list, its own PDS is asked: it may have moved', () => {
    const away = { ...listed, active: false, status: 'deactivated' }
    const { changes, show } = planListed({ repos: [away], pds: PDS }, new Map(), NOW)
    const standing = { upstream: 'unconfirmed', state: 'desynchronized', reason: 'Listed' }
    expect(changes.get(did)?.standing).toMatchObject(standing)
    expect(show).toEqual([])
  })

  test('a list has a PDS asked again that kept a repo back, and does not hurry that', () => {
    const reason = 'RepoNotFound'
    const kept: Standing = { ...held, state: 'desynchronized', reason, upstream: 'deactivated' }
    const { changes } = planListed({ repos: [listed], pds: PDS }, known(kept), NOW)
    expect(changes.get(did)).toEqual({ standing: { ...kept, upstream: 'unconfirmed' } })
  })

  test('a list cannot hide an account', () => {
    const gone = { ...listed, active: false, status: 'deleted' }
    for (const standings of [known(held), new Map<string, Standing>()])
      expect([...planListed({ repos: [gone], pds: PDS }, standings, NOW).changes]).toEqual([])
  })

  test('a repo declared lost is fetched, unless it is deleted', () => {
    expect(planLost(known(held), 'Replayed', NOW).told.desynchronized).toEqual([did])
    const gone = known({ ...held, upstream: 'deleted' })
    expect(planLost(gone, 'Replayed', NOW).told.desynchronized).toEqual([])
  })
})

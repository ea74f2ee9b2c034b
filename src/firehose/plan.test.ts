import { describe, expect, test } from 'vitest'
import {
  NOW,
  PDS,
  account,
  commit,
  did,
  held,
  identity,
  lost,
  refused,
  sync,
} from '../../test/firehose/plan-events.ts'
import type { FirehoseEvent } from './event.ts'
import { planBatch } from './plan.ts'
import type { Standing } from './standing.ts'

/** What a batch makes of one account. */
function after(standing: Standing | undefined, ...events: FirehoseEvent[]) {
  const plan = planBatch(events, new Map(standing && [[did, standing]]), NOW)
  const { told, changes, ...rest } = plan
  return { ...rest, ...told, ...changes.get(did), revs: [...told.revs] }
}

describe('a commit', () => {
  test('that follows on what is held is applied, and so is the next', () => {
    const { writes, standing, outcomes, revs } = after(held, commit(3), commit(4))
    expect(writes.map((w) => [w.rev, w.hidden])).toEqual([
      ['r3', false],
      ['r4', false],
    ])
    expect(standing).toEqual({ ...held, rev: 'r4', data: 'd4' })
    expect(outcomes).toEqual({ applied: 2 })
    expect(revs).toEqual([[did, 'r4']])
  })

  test('that is a repo’s first is applied to an account never heard of', () => {
    const first = commit(1, { since: null, prevData: null })
    expect(after(undefined, first).standing).toMatchObject({ rev: 'r1', state: 'synchronized' })
  })

  test('that is not newer than what is held changes nothing, and its waiters are told', () => {
    const { writes, standing, outcomes, revs } = after(held, commit(2))
    expect({ writes, standing, outcomes }).toMatchObject({ writes: [], outcomes: { older: 1 } })
    expect(standing).toBeUndefined()
    expect(revs).toEqual([[did, 'r2']])
  })

  test.each([
    ['after a revision that is not held', { since: 'r1' }],
    ['from a tree that is not held', { prevData: 'd1' }],
    ['said to be the first of a repo that has some', { since: null, prevData: null }],
  ])('%s makes the repo desynchronized', (_, news) => {
    const { writes, standing, outcomes, due, desynchronized } = after(held, commit(3, news))
    expect(writes).toEqual([])
    expect(standing).toEqual({ ...held, state: 'desynchronized', reason: 'Gap' })
    expect(outcomes).toEqual({ gap: 1 })
    expect(due).toEqual({ reason: 'Gap', at: NOW, attempts: 'same' })
    expect(desynchronized).toEqual([did])
  })

  test('of a desynchronized repo is dropped, and does not end its waiting time', () => {
    const { writes, standing, due, outcomes } = after(
      { ...held, state: 'desynchronized' },
      commit(3),
    )
    expect({ writes, standing, due }).toEqual({ writes: [], standing: undefined, due: undefined })
    expect(outcomes).toEqual({ dropped: 1 })
  })

  test('of a repo that is being fetched is queued', () => {
    const fetching: Standing = { ...held, state: 'in-progress' }
    const { queued, writes, standing } = after(fetching, commit(4), commit(3))
    expect(queued).toEqual([commit(4), commit(3)])
    expect({ writes, standing }).toEqual({ writes: [], standing: { ...fetching, handedOut: 'r4' } })
  })

  test('of a deleted account does nothing', () => {
    const gone = { ...held, upstream: 'deleted', rev: null, data: null }
    const { writes, standing, outcomes } = after(gone, commit(3))
    expect({ writes, standing, outcomes }).toMatchObject({ writes: [], outcomes: { gone: 1 } })
    expect(standing).toBeUndefined()
  })

  test.each([
    ['its host has deactivated', { upstream: 'deactivated' }],
    ['this node has taken down', { own: 'takendown' }],
  ])('of an account that %s is dropped, and the repo fetched when it is back', (_, news) => {
    const { writes, standing, outcomes, desynchronized } = after({ ...held, ...news }, commit(3))
    expect(writes).toEqual([])
    expect(standing).toEqual({ ...held, ...news, state: 'desynchronized', reason: 'Inactive' })
    expect({ outcomes, desynchronized }).toEqual({ outcomes: { inactive: 1 }, desynchronized: [] })
  })
})

describe('an account heard of before any commit', () => {
  const first = commit(1, { since: null, prevData: null })

  test.each([
    ['#identity', identity(PDS)],
    ['#account', account()],
  ])('by %s is fetched after a while, as it may have moved here with a repo', (_, event) => {
    const { standing, due, desynchronized } = after(undefined, event)
    expect(standing).toMatchObject({ state: 'desynchronized', rev: null })
    expect(due?.reason).toBe('New')
    expect(due!.at!.getTime()).toBeGreaterThan(NOW.getTime())
    expect(desynchronized).toEqual([])
  })

  test('is whole with the first commit of its repo', () => {
    const whole = after(undefined, identity(PDS), account(), first, commit(2))
    expect(whole.standing).toMatchObject({ state: 'synchronized', reason: null, rev: 'r2' })
    expect(whole.due).toEqual({ reason: null, at: null, attempts: 'none' })
  })

  test.each<[string, FirehoseEvent]>([
    ['a later commit', commit(2)],
    ['a sync', sync('r2', 'd2')],
    ['a loss', lost('QueueFull')],
    ['a refused commit', refused(true)],
  ])('is fetched at once after %s, and its first commit is not all any more', (_, event) => {
    const { standing, due, desynchronized } = after(undefined, account(), event, first)
    expect(standing).toMatchObject({ state: 'desynchronized', rev: null })
    expect(due?.at).toEqual(NOW)
    expect(desynchronized).toEqual([did])
  })
})

describe('a sync', () => {
  test('to an older revision than is held changes nothing', () => {
    const { standing, outcomes } = after(held, sync('r1', 'd1'))
    expect({ standing, outcomes }).toEqual({ standing: undefined, outcomes: { older: 1 } })
  })

  test('to the tree that is held only moves the revision', () => {
    const { standing, revs } = after(held, sync('r5', 'd2'))
    expect(standing).toEqual({ ...held, rev: 'r5' })
    expect(revs).toEqual([[did, 'r5']])
  })

  test.each([['r5'], ['r2']])('to another tree at %s makes the repo desynchronized', (rev) => {
    const { standing, due } = after(held, sync(rev, 'other'))
    expect(standing).toEqual({ ...held, state: 'desynchronized', reason: 'Sync' })
    expect(due?.at).toEqual(NOW)
  })

  test('of a repo that is being fetched is queued', () => {
    expect(after({ ...held, state: 'in-progress' }, sync('r5', 'd5')).queued).toHaveLength(1)
  })
})

describe('what is refused or lost', () => {
  test('is kept, and the repo stays as it is unless it has moved', () => {
    const { refused: kept, standing } = after(held, refused(false))
    expect(kept).toMatchObject([{ did, reason: 'BadTree', frame: new Uint8Array([1]) }])
    expect(standing).toBeUndefined()
    expect(after(held, refused(true)).due?.reason).toBe('BadTree')
  })

  test('makes the repo desynchronized, also while it is fetched', () => {
    for (const state of ['synchronized', 'in-progress'] as const)
      expect(after({ ...held, state }, lost('QueueFull')).standing?.state).toBe('desynchronized')
    expect(after({ ...held, upstream: 'deleted' }, lost('QueueFull')).standing).toBeUndefined()
  })

  test('of an account that was away has its PDS asked, as it may have been its return', () => {
    const away = { ...held, upstream: 'deactivated' }
    const { standing, due } = after(away, lost('IdentityUnavailable'))
    expect(standing).toMatchObject({ state: 'desynchronized', upstream: 'unconfirmed' })
    expect(due).toEqual({ reason: 'IdentityUnavailable', at: NOW, attempts: 'none' })
  })
})

describe('what a host answers when it is asked for an account', () => {
  const answer = (lived: string | null) => ({ ...account('deactivated'), lived })

  test('counts while the account lives there', () => {
    expect(after(held, answer(PDS)).standing?.upstream).toBe('deactivated')
    expect(after({ ...held, pds: null }, answer(null)).standing?.upstream).toBe('deactivated')
  })

  test('counts no more when the account has moved meanwhile', () => {
    const moved = identity('https://new.example.org')
    const { standing, outcomes } = after(held, moved, answer(PDS))
    expect(standing).toMatchObject({ upstream: 'active', pds: 'https://new.example.org' })
    expect(outcomes).toEqual({ identity: 1, elsewhere: 1 })
  })
})

describe('an identity', () => {
  test('brings its handle, and takes one away that is not claimed any more', () => {
    expect(after(held, identity(PDS, 'ada.test')).handle).toBe('ada.test')
    expect(after(held, identity(PDS)).handle).toBeNull()
    expect(after(held, identity()).standing).toEqual(held)
  })

  test('with another PDS makes the repo desynchronized, and is tried at once', () => {
    const { standing, due } = after(held, identity('https://new.example.org'))
    expect(standing).toMatchObject({ state: 'desynchronized', pds: 'https://new.example.org' })
    expect(due).toEqual({ reason: 'Moved', at: NOW, attempts: 'none' })
  })

  test('with a first PDS only tells where the account lives', () => {
    const { standing, due } = after({ ...held, pds: null }, identity(PDS))
    expect({ standing, due }).toEqual({ standing: held, due: undefined })
  })

  test('with a first PDS voids what was told of the account before', () => {
    const away = { ...held, pds: null, upstream: 'deactivated' }
    const { standing } = after(away, identity(PDS))
    expect(standing).toMatchObject({ upstream: 'unconfirmed', state: 'desynchronized' })
  })

  test('with another PDS voids what the old one told of the account', () => {
    const away = { ...held, upstream: 'deactivated' }
    const { standing, show } = after(away, identity('https://new.example.org'))
    expect(standing).toMatchObject({ upstream: 'unconfirmed', state: 'desynchronized' })
    expect(show).toEqual([])
  })
})

describe('an account', () => {
  test('that is not active any more is hidden, and what came before in the batch with it', () => {
    const { hide, standing, writes } = after(held, commit(3), account('deactivated'))
    expect(hide).toEqual([did])
    expect(standing).toEqual({ ...held, rev: 'r3', data: 'd3', upstream: 'deactivated' })
    expect(writes.map(({ hidden }) => hidden)).toEqual([true])
  })

  test('that is active again is shown, and its repo fetched', () => {
    const { show, standing, due } = after({ ...held, upstream: 'takendown' }, account())
    expect(show).toEqual([did])
    expect(standing).toEqual({ ...held, state: 'desynchronized', reason: 'ActiveAgain' })
    expect(due).toEqual({ reason: 'ActiveAgain', at: NOW, attempts: 'none' })
  })

  test('that this node has taken down is not shown whatever its host tells', () => {
    const { show } = after({ ...held, upstream: 'deactivated', own: 'takendown' }, account())
    expect(show).toEqual([])
  })

  test('that is deleted is forgotten with all that came before in the batch', () => {
    const plan = after(held, commit(3), account('deleted'), commit(4))
    expect(plan).toMatchObject({ forget: [did], hide: [], writes: [], handle: null, revs: [] })
    expect(plan.standing).toMatchObject({ upstream: 'deleted', rev: null, data: null })
  })

  test('that was deleted and is active starts from nothing', () => {
    const gone = after(held, account('deleted')).standing
    expect(after(gone, account()).standing).toMatchObject({
      upstream: 'active',
      rev: null,
      state: 'desynchronized',
    })
    expect(after(held, account('deleted'), account())).toMatchObject({
      forget: [did],
      show: [],
      standing: { upstream: 'active', rev: null, state: 'desynchronized' },
    })
  })

  test('that goes and comes back within a batch is fetched and stays shown', () => {
    const { hide, show, standing } = after(held, account('suspended'), account())
    expect({ hide, show }).toEqual({ hide: [], show: [] })
    expect(standing).toEqual({ ...held, state: 'desynchronized', reason: 'ActiveAgain' })
  })

  test('whose host says the same again changes nothing', () => {
    expect(after(held, account())).toMatchObject({ standing: held, hide: [], show: [] })
  })

  test('that goes while its repo is fetched makes that fetch worthless', () => {
    const { standing } = after({ ...held, state: 'in-progress' }, account('deactivated'))
    expect(standing).toMatchObject({ state: 'desynchronized', upstream: 'deactivated' })
  })

  test('that is not active is not made so by a status of that name', () => {
    const told = { ...account(), active: false, status: 'active' }
    expect(after(held, told).standing?.upstream).toBe('inactive')
  })
})

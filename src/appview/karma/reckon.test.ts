import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Award, reckon, scoresOf } from './reckon.ts'

const ADA = 'did:plc:ada'
const ADMIN = 'did:plc:admin'
const DAY_MS = 86_400_000
const START = Date.parse('2026-03-02T10:00:00Z')

let made = 0

function award(said: Partial<Award> = {}): Award {
  made += 1
  return {
    uri: `at://a/award/${String(made).padStart(6, '0')}`,
    by: ADMIN,
    to: ADA,
    type: 'helpful_response',
    contribution: null,
    points: null,
    at: new Date(START),
    role: 'admin',
    since: new Date('2025-01-01T00:00:00Z'),
    revoked: false,
    ...said,
  }
}

const onDay = (n: number, more: number = 0) => new Date(START + n * DAY_MS + more)

function scoreOf(awards: readonly Award[], did = ADA): number {
  return scoresOf(awards, reckon(awards)).get(did) ?? 0
}

function verdictOf(awards: readonly Award[], one: Award): unknown {
  const verdict = reckon(awards).get(one.uri)!
  return 'fault' in verdict ? verdict.fault : verdict.points
}

/** A hundred points a week by one administrator. */
function hundreds(count: number, to = ADA): Award[] {
  return Array.from({ length: count }, (_, n) => award({ to, points: 100, at: onDay(7 * n) }))
}

test('999 points make no Guardian Angel, one more does, and taking it back unmakes one', () => {
  const nearly = [...hundreds(9), award({ points: 99, at: onDay(70) })]
  expect(scoreOf(nearly)).toBe(999)
  const last = award({ points: 1, at: onDay(80) })
  expect(scoreOf([...nearly, last])).toBe(1_000)
  expect(scoreOf([...nearly, { ...last, revoked: true }])).toBe(999)
})

test('the 201st point of a day does not count, and 200 do', () => {
  const [a, b, c] = ['one', 'two', 'three'].map((by) => award({ by, points: 100 }))
  const full = [a!, b!]
  expect(scoreOf(full)).toBe(200)
  expect(verdictOf([...full, { ...c!, points: 1 }], c!)).toBe('RecipientDayFull')
  expect(scoreOf([...full, { ...c!, at: onDay(1) }])).toBe(300)
})

test('an award that a full day refuses leaves its room to smaller ones', () => {
  const awards = [100, 90, 20, 10].map((points, n) =>
    award({ by: `admin${n}`, points, at: onDay(0, n) }),
  )
  expect(scoreOf(awards)).toBe(200)
})

test('a fourth award to the same person within seven days does not count', () => {
  const four = [0, 1, 2, 3].map((n) => award({ points: 1, at: onDay(n) }))
  expect(verdictOf(four, four[3]!)).toBe('PairFull')
  expect(scoreOf([...four, award({ points: 1, at: onDay(7) })])).toBe(4)
})

test('an eleventh award on one day does not count, whoever gets it', () => {
  const many = Array.from({ length: 11 }, (_, n) => award({ to: `p${n}`, at: onDay(0, n) }))
  expect(verdictOf(many, many[9]!)).toBe(10)
  expect(verdictOf(many, many[10]!)).toBe('AwarderDayFull')
})

test.each([
  ['TooManyPoints', { role: 'editor', points: 11 }],
  ['TooManyPoints', { points: 101 }],
  ['UnknownType', { type: 'toString' }],
  ['AccountTooYoung', { since: new Date(START - 3 * DAY_MS + 1) }],
  ['AccountAgeUnknown', { since: null }],
  ['NotEntitled', { role: 'contributor', type: 'quality_content' }],
  ['NotEntitled', { role: null, type: 'guardian_angel_action' }],
  ['Revoked', { revoked: true }],
] as const)('an award does not count: %s %o', (fault, said) => {
  const one = award(said)
  expect(verdictOf([one], one)).toBe(fault)
})

test.each([
  [10, { role: null }],
  [3, { role: null, points: 3 }],
  [50, { role: 'editor', type: 'guardian_angel_action' }],
  [100, { role: 'super_admin', points: 100 }],
  [10, { since: new Date(START - 3 * DAY_MS) }],
] as const)('an award counts for %i: %o', (points, said) => {
  const one = award(said)
  expect(verdictOf([one], one)).toBe(points)
})

test('a Guardian Angel may recognise everything, until their own karma is taken back', () => {
  const angel = hundreds(10, 'angel')
  const theirs = award({ by: 'angel', role: null, type: 'quality_content', at: onDay(-300) })
  expect(verdictOf([theirs, ...angel], theirs)).toBe(20)
  const less = angel.map((one, n) => ({ ...one, revoked: n === 0 }))
  expect(verdictOf([theirs, ...less], theirs)).toBe('NotEntitled')
})

test('Guardian Angels cannot lift each other: their power comes from roles and from peers', () => {
  const lift = (by: string, to: string) =>
    Array.from({ length: 40 }, (_, n) =>
      award({ by, to, role: null, type: 'guardian_angel_action', at: onDay(3 * n) }),
    )
  const circle = [...lift('eve', 'mallory'), ...lift('mallory', 'eve')]
  expect(scoreOf(circle, 'eve')).toBe(0)
  const crowned = [...hundreds(10, 'eve'), ...circle]
  expect(scoreOf(crowned, 'mallory')).toBeGreaterThanOrEqual(1_000)
  // An angel by an angel is one, and has no more power for it.
  expect(scoreOf(crowned, 'eve')).toBe(1_000)
})

const someAward = fc
  .record({
    by: fc.constantFrom('a', 'b', 'c', 'd'),
    to: fc.constantFrom('w', 'x', 'a', 'b'),
    type: fc.constantFrom('helpful_response', 'quality_content', 'guardian_angel_action'),
    points: fc.option(fc.integer({ min: 1, max: 100 })),
    hours: fc.integer({ min: 0, max: 24 * 20 }),
    revoked: fc.boolean(),
  })
  .filter(({ by, to }) => by !== to)
  .map(({ hours, by, ...rest }) =>
    award({ ...rest, by, role: by === 'a' ? 'admin' : null, at: new Date(START + hours * 3.6e6) }),
  )
const someAwards = fc.array(someAward, { maxLength: 60 })

test('scores are the same in every order of arrival', () => {
  fc.assert(
    fc.property(
      someAwards.chain((all) =>
        fc.tuple(
          fc.constant(all),
          fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length }),
        ),
      ),
      ([all, mixed]) => {
        const sorted = (of: readonly Award[]) =>
          [...reckon(of)].toSorted(([x], [y]) => x.localeCompare(y))
        expect(sorted(mixed)).toEqual(sorted(all))
      },
    ),
  )
})

test('no cap is ever exceeded by what counts', () => {
  fc.assert(
    fc.property(someAwards, (all) => {
      const verdicts = reckon(all)
      const counted = all.filter(({ uri }) => 'points' in verdicts.get(uri)!)
      for (const { by, to, at } of counted) {
        const day = (x: Award) => Math.floor(x.at.getTime() / DAY_MS) === Math.floor(+at / DAY_MS)
        const received = counted.filter((x) => x.to === to && day(x))
        const sum = received.reduce((n, { uri }) => n + (verdicts.get(uri) as never)['points'], 0)
        expect(sum).toBeLessThanOrEqual(200)
        expect(counted.filter((x) => x.by === by && day(x)).length).toBeLessThanOrEqual(10)
        const week = (x: Award) => x.at <= at && +x.at > +at - 7 * DAY_MS
        const pair = counted.filter((x) => x.by === by && x.to === to && week(x))
        expect(pair.length).toBeLessThanOrEqual(3)
      }
    }),
  )
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type AwardFacts, contributionOf, judgeAwards } from './judge.ts'
import { contributionLevel } from './reputation.ts'

const START = Date.parse('2026-11-02T00:00:00Z')
const DAY = 86_400_000
const days = (n: number) => new Date(START + n * DAY)

let made = 0
function award(more: Partial<AwardFacts> = {}): AwardFacts {
  made += 1
  return {
    uri: `at://did:plc:ada/award/${made}`,
    did: 'did:plc:ada',
    recipient: 'did:plc:ben',
    type: 'helpful_response',
    contributionType: null,
    points: 10,
    at: days(0),
    revoked: false,
    role: null,
    bornAt: days(-30),
    ...more,
  }
}

/** So many points for somebody, from admins of whom none comes to a limit. */
function points(recipient: string, sum: number): AwardFacts[] {
  const awards: AwardFacts[] = []
  for (let n = 0; n * 100 < sum; n++) {
    const points = Math.min(100, sum - n * 100)
    const did = `did:plc:admin${n}`
    awards.push(award({ did, role: 'admin', recipient, points, at: days(Math.floor(n / 2)) }))
  }
  return awards
}

const score = (awards: readonly AwardFacts[], did = 'did:plc:ben') =>
  judgeAwards(awards)
    .filter(({ recipient, reason }) => recipient === did && reason === undefined)
    .reduce((sum, { points }) => sum + points, 0)
const reasonOf = (awards: readonly AwardFacts[], uri: string) =>
  judgeAwards(awards).find((one) => one.uri === uri)!.reason

test('999 points make no guardian angel, one more does, and taking it back undoes it', () => {
  const almost = points('did:plc:ben', 999)
  const one = award({ did: 'did:plc:eve', points: 1, at: days(20) })
  const after = [almost, [...almost, one], [...almost, { ...one, revoked: true }]]
  expect(after.map((awards) => score(awards))).toEqual([999, 1000, 999])
  expect(after.map((awards) => contributionLevel(score(awards)))).toEqual([
    'contributor',
    'guardian_angel',
    'contributor',
  ])
})

test('nobody gets the 201st point of a day, and the next day begins at midnight in UTC', () => {
  const day = points('did:plc:ben', 200).map((a) => ({ ...a, at: days(0) }))
  const more = award({ points: 1, at: new Date(START + DAY - 1) })
  expect(reasonOf([...day, more], more.uri)).toBe('RecipientLimit')
  expect(reasonOf([...day, { ...more, at: days(1) }], more.uri)).toBeUndefined()
})

test('one person awards another three times in seven days', () => {
  const three = [0, 1, 2].map((n) => award({ at: days(n) }))
  const fourth = award({ at: new Date(START + 7 * DAY - 1) })
  expect(reasonOf([...three, fourth], fourth.uri)).toBe('PairLimit')
  expect(reasonOf([...three, { ...fourth, at: days(7) }], fourth.uri)).toBeUndefined()
})

test('one person gives ten awards a day', () => {
  const ten = Array.from({ length: 10 }, (_, n) => award({ recipient: `did:plc:r${n}` }))
  const more = award({ at: new Date(START + 1) })
  expect(reasonOf([...ten, more], more.uri)).toBe('AwarderLimit')
})

test('accounts younger than three days award nothing, nor do those of unknown age', () => {
  const at = days(0)
  const young = award({ at, bornAt: new Date(START - 3 * DAY + 1) })
  expect(reasonOf([young], young.uri)).toBe('AccountTooYoung')
  expect(reasonOf([{ ...young, bornAt: days(-3) }], young.uri)).toBeUndefined()
  expect(reasonOf([{ ...young, bornAt: null }], young.uri)).toBe('AgeUnknown')
})

test.each([
  ['helpful_response', null, 10, undefined],
  ['helpful_response', null, 11, 'TooManyPoints'],
  ['quality_content', null, 1, 'RoleMissing'],
  ['quality_content', 'contributor', 1, 'RoleMissing'],
  ['quality_content', 'editor', 20, undefined],
  ['quality_content', 'editor', 21, 'TooManyPoints'],
  ['technical_excellence', 'editor', 25, undefined],
  ['community_leadership', 'editor', 35, undefined],
  ['guardian_angel_action', 'editor', 50, undefined],
  ['guardian_angel_action', 'editor', 51, 'TooManyPoints'],
  ['helpful_response', 'admin', 100, undefined],
  ['helpful_response', 'super_admin', 101, 'TooManyPoints'],
  ['kindness', 'admin', 1, 'UnknownType'],
])('%s by somebody who is %s, worth %i: %s', (type, role, worth, reason) => {
  const one = award({ type, role, points: worth })
  expect(reasonOf([one], one.uri)).toBe(reason)
})

test('a guardian angel awards from the moment on that the points are there', () => {
  const made = points('did:plc:ada', 1_000)
  const last = made.at(-1)!.at.getTime()
  const by = (ms: number) => award({ type: 'quality_content', at: new Date(last + ms), uri: 'x' })
  expect(reasonOf([...made, by(1)], 'x')).toBeUndefined()
  expect(reasonOf([...made, by(-1)], 'x')).toBe('RoleMissing')
})

test('what a guardian angel has given falls with the points that made them one', () => {
  const made = points('did:plc:ada', 1_000)
  const given = award({ type: 'quality_content', at: days(20) })
  const revoked = made.map((a, n) => (n === 0 ? { ...a, revoked: true } : a))
  expect(reasonOf([...revoked, given], given.uri)).toBe('RoleMissing')
})

test('two who award each other do not lift each other up', () => {
  const each = (did: string, recipient: string, n: number) =>
    award({ did, recipient, type: 'guardian_angel_action', points: 50, at: days(n) })
  const circle = Array.from({ length: 60 }, (_, n) => [
    each('did:plc:ada', 'did:plc:ben', n),
    each('did:plc:ben', 'did:plc:ada', n),
  ]).flat()
  expect(judgeAwards(circle).every(({ reason }) => reason === 'RoleMissing')).toBe(true)
})

test('an award counts for the contribution it names, else for that of its type', () => {
  expect(contributionOf(award())).toBe('community_support')
  const technical = award({ contributionType: 'technical_contribution' })
  expect(contributionOf(technical)).toBe('technical_help')
  expect(contributionOf(award({ contributionType: 'guardian_angel' }))).toBe('community_support')
  expect(contributionOf(award({ contributionType: 'constructor', type: 'toString' }))).toBe(
    'community_support',
  )
})

const people = fc.constantFrom('did:plc:a', 'did:plc:b', 'did:plc:c')
const anyAward = fc.record({
  did: people,
  recipient: people,
  type: fc.constantFrom('helpful_response', 'quality_content', 'guardian_angel_action', 'other'),
  points: fc.integer({ min: 1, max: 100 }),
  hour: fc.nat(24 * 20),
  revoked: fc.boolean(),
  role: fc.constantFrom(null, 'editor', 'admin'),
})
const anyAwards = fc
  .array(anyAward, { maxLength: 80, size: 'max' })
  .map((drawn) =>
    drawn.map(({ hour, ...a }, n) =>
      award({ ...a, uri: `at://${n}`, at: new Date(START + hour * 3_600_000) }),
    ),
  )

test('the order in which awards become known decides nothing', () => {
  const shuffled = anyAwards.chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
  )
  fc.assert(
    fc.property(shuffled, ([all, other]) => {
      expect(judgeAwards(other)).toEqual(judgeAwards(all))
    }),
  )
})

test('whatever is awarded, no limit is passed', () => {
  fc.assert(
    fc.property(anyAwards, (all) => {
      const counted = judgeAwards(all).filter(({ reason }) => reason === undefined)
      const day = ({ at }: AwardFacts) => at.toISOString().slice(0, 10)
      for (const of of Map.groupBy(counted, (a) => `${a.recipient} ${day(a)}`).values())
        expect(of.reduce((sum, a) => sum + a.points, 0)).toBeLessThanOrEqual(200)
      for (const of of Map.groupBy(counted, (a) => `${a.did} ${day(a)}`).values())
        expect(of.length).toBeLessThanOrEqual(10)
      for (const of of Map.groupBy(counted, (a) => `${a.did} ${a.recipient}`).values())
        for (const [n, { at }] of of.entries()) {
          const third = of[n + 3]?.at.getTime() ?? Infinity
          expect(third - at.getTime()).toBeGreaterThanOrEqual(7 * DAY)
        }
    }),
  )
})

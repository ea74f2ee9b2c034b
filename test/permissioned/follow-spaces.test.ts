import { expect, test } from 'vitest'
import { MEMBERS, NOTE, SPACE, notes, stage } from './follower.ts'

const [ANNA, BEN] = MEMBERS as [string, string, string, string]

test('a space that a local account may read is copied whole, then kept up to date', async () => {
  const { world, timers, following, both } = await stage((before) => {
    for (const did of MEMBERS) before.write(SPACE, did, notes(5))
  })
  await timers.pass(10_000)
  for (const did of MEMBERS) {
    const { shown, real } = both(did)
    expect(Object.keys(shown)).toHaveLength(5)
    expect(shown).toEqual(real)
  }
  const asked = world.asked.length
  const notice = world.write(SPACE, ANNA, [
    { path: `${NOTE}/note1`, text: 'changed' },
    { path: `${NOTE}/note2`, text: null },
    { path: `${NOTE}/new`, text: 'new' },
  ])
  expect(await following.notified(notice)).toBe(true)
  await timers.pass(100)
  expect(both(ANNA).shown).toEqual(both(ANNA).real)
  // One page of the log was enough: nothing was listed and nothing fetched whole.
  expect(world.asked.slice(asked)).toEqual([`repoOps ${ANNA}`])
  await following.close()
})

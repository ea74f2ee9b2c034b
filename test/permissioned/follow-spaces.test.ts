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

test('a notification that does not follow on has the list read from the checkpoint', async () => {
  const { world, timers, following, both } = await stage((before) => {
    before.write(SPACE, ANNA, notes(1))
  })
  await timers.pass(10_000)
  world.write(SPACE, BEN, notes(4))
  const asked = world.asked.length
  await following.notified(world.write(SPACE, ANNA, notes(2)))
  await timers.pass(2_000)
  expect(both(BEN).shown).toEqual(both(BEN).real)
  expect(both(ANNA).shown).toEqual(both(ANNA).real)
  expect(world.asked.slice(asked).filter((line) => line.startsWith('listRepos'))).toHaveLength(2)
  await following.close()
})

test('many notifications of one repo cost few questions', async () => {
  const { world, timers, following, both } = await stage((before) => {
    before.write(SPACE, ANNA, notes(1))
  })
  await timers.pass(10_000)
  const asked = world.asked.length
  const notices = Array.from({ length: 50 }, (_, n) => world.write(SPACE, ANNA, notes(1, `${n}`)))
  await Promise.all(notices.map((notice) => following.notified(notice)))
  await timers.pass(2_000)
  expect(both(ANNA).shown).toEqual(both(ANNA).real)
  expect(world.asked.length - asked).toBeLessThan(25)
  await following.close()
})

test('what no notification told is found when the space has its turn', async () => {
  const { world, timers, following, both } = await stage()
  await timers.pass(10_000)
  world.write(SPACE, ANNA, notes(2))
  await timers.pass(100_000)
  expect(both(ANNA).shown).toEqual(both(ANNA).real)
  // The authority itself has missed this one; only asking the repo's own host can find it.
  world.repo(SPACE, ANNA).write(world.nextTid(), notes(4))
  await timers.pass(300_000)
  expect(both(ANNA).shown).toEqual(both(ANNA).real)
  await following.close()
})

test('a repo hosted here is never asked for', async () => {
  const { world, timers, following } = await stage((before) => {
    before.hosted.add(ANNA)
    before.write(SPACE, ANNA, notes(2))
    before.write(SPACE, BEN, notes(2))
  })
  await timers.pass(60_000)
  expect(await following.fetchNow(SPACE, ANNA)).toMatchObject({ ok: true })
  expect(world.asked.filter((line) => line.endsWith(ANNA))).toEqual([])
  expect(world.asked).toContain(`repo ${BEN}`)
  await following.close()
})

test('one slow host delays only itself', async () => {
  const { timers, world, following, both } = await stage((before) => {
    for (const did of MEMBERS) before.write(SPACE, did, notes(2))
    before.trouble = {
      before: (service) =>
        service.includes('anna') ? new Promise<never>(() => undefined) : undefined,
    }
  })
  await timers.pass(20_000)
  for (const did of MEMBERS.slice(1)) expect(both(did).shown).toEqual(both(did).real)
  expect(both(ANNA).shown).toEqual({})
  // Someone waits for another of its repos: that is told in time, and nobody else waits with them.
  const late = following.fetchNow(SPACE, ANNA)
  expect(await following.fetchNow(SPACE, BEN)).toMatchObject({ ok: true })
  await timers.pass(40_000)
  expect(await late).toMatchObject({ ok: false, reason: 'Late' })
  expect(world.asked.filter((line) => line === `repo ${ANNA}`)).toHaveLength(1)
  await following.close()
})

test('an announced record is there when fetchNow says so', async () => {
  const { world, timers, following, both } = await stage((before) => {
    before.write(SPACE, ANNA, notes(1))
  })
  await timers.pass(10_000)
  const { repoRev } = world.write(SPACE, ANNA, notes(3))
  expect(await following.fetchNow(SPACE, ANNA)).toEqual({ ok: true, rev: repoRev })
  expect(both(ANNA).shown).toEqual(both(ANNA).real)
  world.write(SPACE, BEN, notes(3))
  expect(await following.fetchNow(SPACE, BEN)).toMatchObject({ ok: true })
  expect(both(BEN).shown).toEqual(both(BEN).real)
  const other = 'at://did:plc:authority/space/com.example.group/other'
  expect(await following.fetchNow(other, ANNA)).toMatchObject({ reason: 'NotFollowed' })
  await following.close()
})

test('members elsewhere of a space of this node are followed, and nobody delegates', async () => {
  const { world, timers, following, both } = await stage()
  const own = 'at://did:plc:own/space/com.example.group/main'
  world.account('did:plc:own', 'https://here.example.com')
  world.hosted.add('did:plc:own')
  world.space(own, 'did:plc:own')
  await following.notified(world.write(own, ANNA, notes(3)))
  await timers.pass(1_000)
  expect(both(ANNA, own).shown).toEqual(both(ANNA, own).real)
  world.write(own, BEN, notes(3))
  await timers.pass(100_000)
  expect(both(BEN, own).shown).toEqual(both(BEN, own).real)
  expect(world.asked).not.toContain('listRepos did:plc:own')
  expect(world.asked).not.toContain('credential did:plc:own')
  await following.close()
})

test('the authority is asked to tell of writes, and again before that ends', async () => {
  const { world, timers, following } = await stage(undefined, {
    lookMs: 300_000,
    checkEveryMs: 1_800_000,
    sweepEveryMs: 86_400_000,
  })
  await timers.pass(10_000)
  expect(world.spaces.get(SPACE)!.registrations).toBe(1)
  await timers.pass(17 * 3_600_000)
  expect(world.spaces.get(SPACE)!.registrations).toBe(1)
  await timers.pass(6 * 3_600_000)
  expect(world.spaces.get(SPACE)!.registrations).toBe(2)
  await following.close()
})

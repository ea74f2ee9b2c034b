import { afterAll, beforeAll, expect, test } from 'vitest'
import { defaultSwitches } from '../../src/pds/fast/switches.ts'
import { createAccount, createMessage } from './client.ts'
import { type Plc, startPds, startPlc } from './pds.ts'
import { rkeyOf, verifiedKeys } from './repo.ts'

let plc: Plc
beforeAll(async () => void (plc = await startPlc()))
afterAll(() => plc.close())

const { openRepos: _, ...speedUps } = defaultSwitches

for (const name of Object.keys(speedUps)) {
  test(`without ${name}, the other speed-ups still write what they should`, async () => {
    const server = await startPds({
      plcUrl: plc.url,
      switches: { ...defaultSwitches, [name]: false },
    })
    const account = await createAccount(server.origin)
    const heard = new Promise((resolve) => server.pds.ctx.sequencer.once('events', resolve))
    const made = await Promise.all(
      [1, 2, 3, 4].map(() => createMessage(server.origin, account, name)),
    )
    expect(await verifiedKeys(server, account.did)).toEqual(
      made.map((m) => rkeyOf(m.uri)).toSorted(),
    )
    await heard
    await server.close()
  })
}

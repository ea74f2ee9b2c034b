import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { findPostmaster } from '../../src/database/running-postmaster.ts'
import { eventually } from '../eventually.ts'
import { nodeProcess } from '../node-process.ts'
import { checkHealth } from './kill-checks.ts'
import { dataOf, endOrphan } from './kill.ts'

/** When the database is killed, in milliseconds after it has come up for a node that starts. */
const MOMENTS = [100, 300, 500, 900]
/** Sooner than a process is ended that does not end by itself. */
const ENDS_WITHIN_MS = 8_000

test('a node whose database dies while it starts comes up, or ends and starts again', async () => {
  await using node = await nodeProcess('start', { ANGELOS_PLC_PORT: '0', ANGELOS_NAME: 'starting' })
  await using _orphan = { [Symbol.asyncDispose]: () => endOrphan(node) }
  await node.start()
  expect(await node.stop()).toBe(0)
  for (const after of MOMENTS) {
    const isUp = node.start().then(
      () => true,
      () => false,
    )
    const server = await eventually(() => {
      const found = findPostmaster(dataOf(node.dataDir))
      if (!found) throw new Error('the database has not come up')
      return found
    })
    await sleep(after)
    process.kill(server.pid, 'SIGKILL')
    const killed = performance.now()
    if (!(await isUp)) {
      expect(performance.now() - killed).toBeLessThan(ENDS_WITHIN_MS)
      await node.start()
    }
    await eventually(() => {
      const next = findPostmaster(dataOf(node.dataDir))
      if (!next || next.pid === server.pid) throw new Error('the database is still away')
      return checkHealth(node.origin)
    })
    expect(await node.stop(), `killed after ${after} ms:\n${node.output()}`).toBe(0)
  }
}, 180_000)

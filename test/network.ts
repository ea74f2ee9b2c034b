import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, systemClock } from '../src/clock.ts'
import { readConfig } from '../src/config.ts'
import { removeEmbedded } from '../src/database/placement.ts'
import { type Log, silentLog } from '../src/log.ts'
import { type AngelNode, startNode } from '../src/node.ts'
import { freePort } from './node-process.ts'

export type TestNode = AngelNode & { readonly dataDir: string; readonly service: string }

/** Whole nodes in this process, each with a database of its own, sharing the first one's PLC
 *  directory. Handles end in `.node1.test`, `.node2.test`, … With `each` as admin port each
 *  has one that is free. */
export async function startNetwork(
  count = 1,
  env: Readonly<Record<string, string>> = {},
  logOf: (n: number) => Log = () => silentLog,
  clock: Clock = systemClock,
): Promise<AsyncDisposable & { readonly nodes: readonly TestNode[] }> {
  await using parts = new AsyncDisposableStack()
  const nodes: TestNode[] = []
  for (let n = 1; n <= count; n++) {
    const dataDir = await mkdtemp(join(tmpdir(), 'angelos-node-'))
    parts.defer(() => rm(dataDir, { recursive: true, force: true }))
    parts.defer(() => removeEmbedded(dataDir))
    const config = readConfig({
      ANGELOS_DATA_DIR: dataDir,
      ANGELOS_PORT: String(await freePort()),
      ANGELOS_PLC_PORT: '0',
      ANGELOS_NAME: `node${n}`,
      ...(nodes[0] ? { ANGELOS_PLC_URL: nodes[0].plcUrl } : {}),
      ...env,
      ...(env['ANGELOS_ADMIN_PORT'] === 'each' && {
        ANGELOS_ADMIN_PORT: String(await freePort()),
      }),
    })
    const node = parts.use(await startNode(config, { log: logOf(n), clock }))
    nodes.push({ ...node, dataDir, service: `${node.did}#angelos_appview` })
  }
  const running = parts.move()
  return { nodes, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

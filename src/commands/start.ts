import { parseArgs } from 'node:util'
import { readConfig } from '../config.ts'
import { startNode } from '../node.ts'
import type { Command } from './command.ts'
import { stopSignal } from './stop-signal.ts'

/** Runs a node until it is told to stop. */
export const start: Command = {
  name: 'start',
  summary: 'run a node until Ctrl-C',
  usage: `./angelos start

  Keeps everything in ANGELOS_DATA_DIR (default ./data). The settings are listed in
  node.env.example. A second start goes on with the same data and identities.`,
  async run(args) {
    parseArgs({ args: [...args], options: {}, strict: true })
    const config = readConfig()
    const stopped = stopSignal()
    await using node = await startNode(config)
    process.stdout.write(greeting(node))
    await stopped
    process.stdout.write('\nstopping …\n')
    return 0
  },
}

function greeting(node: {
  url: string
  did: string
  handleDomain: string
  plcUrl: string
  adminUrl: string | undefined
}): string {
  const metrics = node.adminUrl ? `\n    metrics   ${node.adminUrl}/metrics` : ''
  return `
  Angel OS is running.

    node      ${node.url}
    health    ${node.url}/xrpc/_health${metrics}
    identity  ${node.did}
    PLC       ${node.plcUrl}

  Make the first account:

    ./angelos account create ada${node.handleDomain} ada@example.com

  then log in with it in any AT Protocol client, with ${node.url} as the server.
  Ctrl-C stops the node.

`
}

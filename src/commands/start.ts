import { parseArgs } from 'node:util'
import { readConfig } from '../config.ts'
import { startNode } from '../node.ts'
import type { Command } from './command.ts'
import { stopSignal } from './stop-signal.ts'

/** Runs a node until it is told to stop. */
export const start: Command = {
  usage: `./angelos start [--role all|validator]

  Keeps everything in ANGELOS_DATA_DIR (default ./data). The settings are listed in
  node.env.example. A second start goes on with the same data and identities.

  --role validator runs a node that only takes part in a token ledger: it votes for transfers,
  keeps and publishes what is certified, and tells balances. It takes no accounts, follows nobody
  else, keeps no permissioned repos and answers no other method. ANGELOS_ROLE says the same.`,
  async run(args) {
    const options = { role: { type: 'string' } } as const
    const { role } = parseArgs({ args: [...args], options, strict: true }).values
    const config = readConfig(undefined, role === undefined ? {} : { ANGELOS_ROLE: role })
    const stopped = stopSignal()
    await using node = await startNode(config)
    process.stdout.write(greeting(node, config.validatesOnly))
    await stopped
    process.stdout.write('\nstopping …\n')
    return 0
  },
}

function greeting(
  node: {
    url: string
    did: string
    handleDomain: string
    plcUrl: string
    adminUrl: string | undefined
  },
  validatesOnly: boolean,
): string {
  const metrics = node.adminUrl ? `\n    metrics   ${node.adminUrl}/metrics` : ''
  return `
  Angel OS is running.

    node      ${node.url}
    health    ${node.url}/xrpc/_health${metrics}
    identity  ${node.did}
    PLC       ${node.plcUrl}

${validatesOnly ? JOINING : firstAccount(node)}
  Ctrl-C stops the node.

`
}

const JOINING = `  It validates and does nothing else. "./angelos network join" prints what
  governance needs to take it in, "./angelos network status" how the ledger is.`

function firstAccount({ url, handleDomain }: { url: string; handleDomain: string }): string {
  return `  Make the first account:

    ./angelos account create ada${handleDomain} ada@example.com

  then log in with it in any AT Protocol client, with ${url} as the server.`
}

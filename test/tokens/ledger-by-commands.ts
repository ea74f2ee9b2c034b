import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { readGenesis } from '../../src/ledger-setting.ts'
import type { ReadEpoch } from '../../src/tokens/epoch.ts'
import type { Grant } from '../../src/tokens/grants.ts'
import type { Choices } from '../../src/tokens/worth/epoch-choices.ts'
import { fetchEpochs } from '../../src/validator/fetch-epochs.ts'
import { nativeCrypto } from '../../src/crypto/native.ts'
import type { NodeProcess } from '../node-process.ts'
import { PASSWORD, type Person } from '../person.ts'
import { runCommand } from '../run-command.ts'
import type { TokenNetwork } from './network.ts'

/** A ledger that is founded and led as its operators do it. */
export type LedgerByCommands = {
  /** Makes it with all nodes of the network as validators and starts them on it. */
  found(choices: Choices): Promise<ReadEpoch>
  /** Ends its epoch and begins the next one with these grants. */
  next(grants: readonly Grant[]): Promise<ReadEpoch>
  /** Another command of the network, on the node of who governs. */
  run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }>
  [Symbol.dispose](): void
}

/** Founds a ledger on the nodes of a network, by the commands that operators have. Somebody of the
 *  first node governs it. */
export function ledgerByCommands(
  { nodes }: Pick<TokenNetwork, 'nodes'>,
  governor: Person,
): LedgerByCommands {
  const folder = mkdtempSync(join(tmpdir(), 'angelos-founding-'))
  const file = (name: string, text?: string) => {
    if (text !== undefined) writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const governs = ['--account', governor.handle, '--password-file', file('password', PASSWORD)]
  const run: LedgerByCommands['run'] = (verb, ...args) =>
    runCommand(['network', verb!, ...args], nodes[0]!.env)
  const good = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(...args)
    expect([code, stderr], stdout).toEqual([0, ''])
    return stdout
  }
  const genesisFile = file('genesis.json')
  const genesis = () => readGenesis(genesisFile, readFileSync(genesisFile, 'utf8'))
  return {
    async found(choices) {
      const entries = nodes.map(async ({ env }, n) => {
        const entry = file(`entry${n}.json`)
        const { code } = await runCommand(['network', 'join', '--out', entry], env)
        expect(code).toBe(0)
        return entry
      })
      const named = (await Promise.all(entries)).flatMap((entry) => ['--validator', entry])
      const decided = file('choices.json', JSON.stringify(choices))
      const init = ['init', ...governs, ...named, '--choices', decided, '--out', genesisFile]
      const said = await good(...init)
      expect(said).toContain(`validators  ${nodes.length}, `)
      // One that broke off is repeated: it founds no second ledger.
      expect(await good(...init)).toBe(said)
      const joins = async (node: NodeProcess) => {
        const joined = await runCommand(['network', 'join', genesisFile], node.env)
        expect(joined).toMatchObject({ code: 0 })
        expect(joined.stdout).toContain('It validates from the first epoch on.')
        await node.stop()
        await node.start()
      }
      await Promise.all(nodes.map(joins))
      return genesis()
    },
    async next(grants) {
      const { params } = genesis().epoch
      const plan = file('plan.json', JSON.stringify({ grants, params }))
      await good('epoch', ...governs, '--plan', plan, '--drain', '0')
      return (await fetchEpochs({ crypto: nativeCrypto, fetch }, genesis())).at(-1)!
    },
    run: (verb, ...args) => run(verb!, ...(verb === 'status' ? args : [...governs, ...args])),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

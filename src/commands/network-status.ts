import { parseArgs } from 'node:util'
import { showTokens } from '../tokens/amount.ts'
import { committeeOf } from '../tokens/epoch.ts'
import { askPeer } from '../validator/ask-peer.ts'
import type { Verb } from './command.ts'
import { openOwnLedger } from './network-files.ts'

/** What a validator says of itself, as far as it could be asked. */
type Word = {
  readonly did: string
  readonly epoch?: number
  readonly phase?: string
  readonly transfers?: number
  readonly supply?: number
  readonly stateRoot?: string
  /** Why there is nothing else. */
  readonly fault?: string
}

/** Tells how a ledger and its validators are. */
export const networkStatus: Verb = {
  name: 'status',
  summary: 'tell the epoch of a ledger and how its validators are',
  usage: `./angelos network status [--json]

  Asks every validator of the newest epoch what it is in and has in its books. Exit code 1 when less
  than a quorum answers from an epoch that takes transfers.`,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: { json: { type: 'boolean', default: false } },
    })
    const { fetch, current, chain } = await openOwnLedger()
    const { ledger, epoch, quorum } = committeeOf(current)
    const ask = async ({ did, endpoint }: { did: string; endpoint: string }): Promise<Word> => {
      const reply = await askPeer(fetch, endpoint, 'readStateRoot', { query: { ledger } })
      return reply.ok
        ? { ...(reply.body as Omit<Word, 'did'>), did }
        : { did, fault: reply.message }
    }
    const words = await Promise.all(current.epoch.validators.map(ask))
    const open = words.filter((one) => one.phase === 'open' && one.epoch === epoch).length
    const isWell = open >= quorum
    const { code, governance } = current.epoch
    const about = { ledger, code, governance, epoch, quorum, open, certifies: isWell }
    if (values.json) {
      process.stdout.write(`${JSON.stringify({ ...about, validators: words }, null, 1)}\n`)
    } else {
      const lines = [
        `ledger      ${ledger} (${code})`,
        `governance  ${governance}`,
        `epoch       ${epoch}, since ${chain.at(-1)!.epoch.createdAt}`,
        `quorum      ${quorum} of ${words.length}, ${open} take transfers now`,
        ...words.map(line),
      ]
      process.stdout.write(`${lines.join('\n')}\n`)
    }
    return isWell ? 0 : 1
  },
}

function line({ did, fault, epoch, phase, transfers, supply, stateRoot }: Word): string {
  if (fault !== undefined) return `  ${did}  ${fault}`
  const sum = showTokens(BigInt(supply ?? 0))
  const root = String(stateRoot).slice(0, 16)
  return `  ${did}  epoch ${epoch}, ${phase}; ${transfers} transfers, supply ${sum}, root ${root}…`
}

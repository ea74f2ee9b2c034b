import { parseArgs } from 'node:util'
import { accountKeys } from '../validator/account-keys.ts'
import { readAccountWord } from '../validator/account-word.ts'
import { showTokens } from '../tokens/amount.ts'
import type { Verb } from './command.ts'
import { PLACE_OPTIONS, openPlace } from './wallet-place.ts'

/** What an account has. */
export const walletBalance: Verb = {
  name: 'balance',
  summary: 'see what an account has, by the word of the validators',
  usage: `./angelos wallet balance --account HANDLE [--genesis FILE] [--service ORIGIN] [--json]`,
  async run(args) {
    const options = { ...PLACE_OPTIONS, json: { type: 'boolean', default: false } } as const
    const { values } = parseArgs({ args: [...args], options })
    const { fetch, chain, current, identity } = await openPlace(values)
    const word = await readAccountWord(fetch, current, identity.did)
    if (!word) {
      process.stderr.write('The validators do not agree now; try again.\n')
      return 1
    }
    const { angel } = accountKeys(identity)
    const { code, params, epoch } = current.epoch
    const limit = angel === undefined ? params.noAngelKeyLimit : undefined
    const told = { account: identity.did, ledger: chain[0]!.id, epoch, code, ...word }
    if (values.json) {
      process.stdout.write(`${JSON.stringify({ ...told, deviceKey: angel, limit })}\n`)
      return 0
    }
    const small = showTokens(BigInt(params.noAngelKeyLimit))
    const lines = [
      `account     ${identity.did}`,
      `ledger      ${told.ledger}, epoch ${epoch}`,
      `balance     ${showTokens(BigInt(word.balance))} ${code}`,
      `transfers   ${word.seq}`,
      `told by     ${word.agree} of ${current.epoch.validators.length} validators`,
      `device key  ${angel ?? `none: it spends up to ${small} ${code} an epoch`}`,
    ]
    process.stdout.write(`${lines.join('\n')}\n`)
    return 0
  },
}

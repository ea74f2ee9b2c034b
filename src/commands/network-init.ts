import { readFile, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { systemClock } from '../clock.ts'
import { readConfig } from '../config.ts'
import { nativeCrypto as crypto } from '../crypto/native.ts'
import { readGenesis } from '../ledger-setting.ts'
import { SCALE, SUPPLY_CAP } from '../tokens/amount.ts'
import { encodeRecord } from '../tokens/encoding.ts'
import { EPOCH, type Epoch, type Params, type ReadEpoch, readEpoch } from '../tokens/epoch.ts'
import type { Grant } from '../tokens/grants.ts'
import { quorumOf } from '../tokens/quorum.ts'
import { type Refusal, isRefusal, refuse } from '../tokens/refusal.ts'
import {
  type Choices,
  changedParams,
  checkPool,
  readChoices,
} from '../tokens/worth/epoch-choices.ts'
import { openSession } from './account-session.ts'
import { type Verb, UsageError } from './command.ts'
import { readEntry, readJsonFile } from './network-files.ts'
import { publishEpochs, publishLedger } from './publish-epochs.ts'

/** By which a ledger begins unless governance decides otherwise. */
const PARAMS: Params = {
  splits: [],
  feeBasisPoints: 50,
  feeMinimum: 1_000,
  holdHours: 72,
  noAngelKeyLimit: 10_000_000,
  maxSkewSeconds: 300,
}

/** Founds a ledger: makes its first epoch and publishes it. */
export const networkInit: Verb = {
  name: 'init',
  summary: 'found a ledger whose epochs an account of this node governs',
  usage: `./angelos network init --account HANDLE --validator FILE… [--code AT] [--choices FILE]
                       [--out genesis.json] [--password-file FILE]

  Makes the first epoch of the validators that "network join" has written to the files, four or
  more so that one may fail, and of what the choices grant (docs/tokens.md has their form), writes
  it to a file and publishes it in the repo of the account, which governs the ledger from then on.
  The node has to be running. Every validator is given the file: "network join genesis.json".

  Where the file is there already, it is published as it is: a command that broke off can be
  repeated.`,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        account: { type: 'string' },
        validator: { type: 'string', multiple: true },
        code: { type: 'string', default: 'AT' },
        choices: { type: 'string' },
        out: { type: 'string', default: 'genesis.json' },
        'password-file': { type: 'string' },
      },
    })
    const { account, validator: files = [], out } = values
    if (account === undefined) throw new UsageError('Say with --account who governs the ledger.')
    const service = readConfig().localUrl
    const session = await openSession({ service, account, passwordFile: values['password-file'] })
    if (!existsSync(out)) {
      if (files.length === 0) throw new UsageError('Name the validators, --validator FILE each.')
      const validators = await Promise.all(files.map(readEntry))
      const choices = readChoices(values.choices ? await readJsonFile(values.choices) : {})
      const decided = { code: values.code, governance: session.did, validators }
      const found = isRefusal(choices) ? choices : firstEpoch(decided, choices.choices)
      if (isRefusal(found)) {
        process.stderr.write(`${found.reason}: ${found.detail}\n`)
        return 1
      }
      await writeFile(out, `${JSON.stringify(found.epoch, null, 1)}\n`, { flag: 'wx' })
    }
    const genesis = readGenesis(out, await readFile(out, 'utf8'))
    if (genesis.epoch.governance !== session.did)
      throw new UsageError(`${out} is governed by ${genesis.epoch.governance}.`)
    await publishLedger(session, genesis)
    await publishEpochs(session, [genesis])
    const { validators, quorum } = genesis.epoch
    process.stdout.write(
      `ledger      ${genesis.id}\nfile        ${out}\ngovernance  ${session.did}\n` +
        `validators  ${validators.length}, ${quorum} of them are a quorum\n`,
    )
    return 0
  },
}

/** The first epoch that governance decides on; refuses what no ledger can begin with. */
export function firstEpoch(
  decided: Pick<Epoch, 'code' | 'governance' | 'validators'>,
  choices: Choices,
  now = systemClock.now().toISOString(),
): ReadEpoch | Refusal {
  const { pools = [], gifts = [], nodeRewards, persons, total } = choices
  if (nodeRewards) return refuse('BadGrant', 'no node has earned a reward before the first epoch')
  if (persons) return refuse('WrongPersonhood', 'persons are counted for a later epoch')
  for (const pool of pools) {
    const fault = checkPool(pool, undefined)
    if (fault) return fault
  }
  const given = gifts.map((gift): Grant => ({ kind: 'system_grant', ...gift }))
  const grants = [...pools, ...given]
  const granted = grants.reduce((sum, { amount }) => sum + BigInt(amount), 0n)
  if (total !== undefined && granted > BigInt(total))
    return refuse('BadGrant', `${granted} micro-tokens are granted, the total is ${total}`)
  const epoch: Epoch = {
    $type: EPOCH,
    epoch: 0,
    ...decided,
    scale: SCALE,
    supplyCap: Number(SUPPLY_CAP),
    quorum: quorumOf(decided.validators.length),
    grants,
    params: changedParams(PARAMS, choices.params),
    createdAt: now,
    signatures: [],
  }
  return readEpoch(crypto, encodeRecord(epoch))
}

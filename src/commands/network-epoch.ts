import { join, resolve } from 'node:path'
import { mkdirSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { nativeCrypto as crypto } from '../crypto/native.ts'
import { readIfThere, writeDurably } from '../database/durable-file.ts'
import { showTokens } from '../tokens/amount.ts'
import { cidOf, encodeRecord } from '../tokens/encoding.ts'
import { readEpochJson } from '../tokens/epoch-json.ts'
import type { Epoch, ReadEpoch } from '../tokens/epoch.ts'
import { isRefusal } from '../tokens/refusal.ts'
import type { Snapshot } from '../tokens/worth/personhood.ts'
import {
  type Decided,
  type Draft,
  type KeptDrafts,
  conductEpoch,
} from '../validator/conduct-epoch.ts'
import { openSession } from './account-session.ts'
import { type Verb, UsageError } from './command.ts'
import { openOwnLedger, readEntry, readJsonFile } from './network-files.ts'
import { requireNext } from './network-plan.ts'
import { publishEpochs, publishPersons } from './publish-epochs.ts'
import { validatorToken } from './validator-token.ts'

/** Leads a ledger into its next epoch. */
export const networkEpoch: Verb = {
  name: 'epoch',
  summary: 'end the epoch of a ledger and begin the next one',
  usage: `./angelos network epoch --account HANDLE [--plan FILE] [--add FILE]… [--remove DID]…
                        [--drain SECONDS] [--password-file FILE]

  Has all validators stop voting, waits for what is under way (10 seconds, or --drain), has them
  seal, has a quorum sign what the epoch came to, and publishes the next one in the repo of the
  account, which governs the ledger. The plan of "network plan" says what it grants; without one
  it grants nothing, and goes by the same params. The validators stay those of before, but for
  those that are added, by what "network join" says of them, and removed.

  Say it again when it broke off: what was proposed once is proposed again, since a validator signs
  one next epoch and no other. An epoch that had begun and was not published is published, and no
  further one is begun.`,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        account: { type: 'string' },
        plan: { type: 'string' },
        add: { type: 'string', multiple: true, default: [] },
        remove: { type: 'string', multiple: true, default: [] },
        drain: { type: 'string', default: '10' },
        'password-file': { type: 'string' },
      },
    })
    const { account } = values
    if (account === undefined) throw new UsageError('Say with --account who governs the ledger.')
    const drain = Number(values.drain)
    if (!(drain >= 0 && drain <= 600)) throw new UsageError('Say with --drain 0 to 600 seconds.')
    const { config, fetch, chain, current, now } = await openOwnLedger()
    const decided = await decide(current, values)
    const passwordFile = values['password-file']
    const session = await openSession({ service: config.localUrl, account, passwordFile })
    if (session.did !== current.epoch.governance)
      throw new UsageError(`The ledger is governed by ${current.epoch.governance}.`)
    const late = await publishEpochs(session, chain)
    if (late.length > 0) {
      process.stdout.write(`epoch ${late.at(-1)} had begun and is published now\n`)
      return 0
    }
    requireNext(decided.planned, current.epoch.epoch)
    const drafts = draftFile(resolve(config.ANGELOS_DATA_DIR))
    const tokenFor = (validator: string) => validatorToken(session, validator)
    const wait = (ms: number) => sleep(ms)
    const parts = { crypto, fetch, tokenFor, wait, now, drainMs: drain * 1_000, drafts }
    const { snapshot } = decided
    if (snapshot) await publishPersons(session, current.epoch.code, snapshot)
    const next = await conductEpoch(parts, current, decided)
    await publishEpochs(session, [...chain, next])
    drafts.forget(next.epoch.epoch)
    process.stdout.write(`${told(next).join('\n')}\n`)
    return 0
  },
}

/** What the command line and the plan decide about the next epoch. */
async function decide(
  { epoch }: ReadEpoch,
  asked: { plan?: string | undefined; add: string[]; remove: string[] },
): Promise<Decided & { snapshot?: Snapshot; planned?: unknown }> {
  const added = await Promise.all(asked.add.map(readEntry))
  const strangers = asked.remove.filter((did) => !epoch.validators.some((one) => one.did === did))
  if (strangers.length > 0) throw new UsageError(`${strangers.join(', ')} is no validator.`)
  const gone = new Set([...asked.remove, ...added.map(({ did }) => did)])
  const validators = [...epoch.validators.filter(({ did }) => !gone.has(did)), ...added]
  const plan = asked.plan === undefined ? {} : await readPlan(asked.plan)
  const { grants = [], params = epoch.params, personhood, epoch: planned } = plan
  const snapshot = personhood?.record
  const pinned = snapshot && { cid: cidOf(crypto, snapshot), record: encodeRecord(snapshot) }
  const persons = { ...(pinned && { personhood: pinned }), ...(snapshot && { snapshot }) }
  return { validators, grants, params, ...persons, planned }
}

type Plan = Partial<Pick<Epoch, 'epoch' | 'grants' | 'params'>> & {
  personhood?: { record: Snapshot }
}

/** Whether it is sound is judged with the whole epoch, by this command and by every validator. */
async function readPlan(file: string): Promise<Plan> {
  const value = await readJsonFile(file)
  if (typeof value !== 'object' || value === null || !('grants' in value))
    throw new UsageError(`${file} is no plan: "network plan" makes one.`)
  return value as Plan
}

/** Drafts in a file of the data folder, one for each number of an epoch. */
export function draftFile(dataDir: string): KeptDrafts & { forget(epoch: number): void } {
  const folder = join(dataDir, 'ledger')
  const fileOf = (epoch: number) => join(folder, `proposed-${epoch}.json`)
  return {
    async keep(draft) {
      const file = fileOf(draft.epoch.epoch)
      const text = readIfThere(file)
      if (text !== undefined) return draftOf(file, text)
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      const { personhood, epoch } = draft
      const snapshot = personhood && Buffer.from(personhood.record).toString('base64')
      writeDurably(file, JSON.stringify({ epoch, pinned: personhood?.cid, snapshot }))
      return draft
    },
    drop: async ({ epoch }) => rmSync(fileOf(epoch.epoch), { force: true }),
    forget: (epoch) => rmSync(fileOf(epoch), { force: true }),
  }
}

function draftOf(file: string, text: string): Draft {
  type Kept = { epoch: object; pinned?: string; snapshot?: string }
  const { epoch, pinned: cid, snapshot } = JSON.parse(text) as Kept
  const read = readEpochJson(crypto, JSON.stringify(epoch))
  if (isRefusal(read)) throw new Error(`${file} holds no epoch: ${read.detail}`)
  if (cid === undefined || snapshot === undefined) return { epoch: read.epoch }
  const record = new Uint8Array(Buffer.from(snapshot, 'base64'))
  return { epoch: read.epoch, personhood: { cid, record } }
}

function told({ epoch, id }: ReadEpoch): string[] {
  const { validators, quorum, handover, signatures } = epoch
  const supply = showTokens(BigInt(handover?.supply ?? 0))
  const burned = showTokens(BigInt(handover?.burned ?? 0))
  return [
    `epoch       ${epoch.epoch}, ${id}`,
    `signed by   ${signatures.length} of the validators before`,
    `validators  ${validators.length}, ${quorum} of them are a quorum`,
    `settled     ${handover?.settledCount} transfers; supply ${supply}, burned ${burned}`,
  ]
}

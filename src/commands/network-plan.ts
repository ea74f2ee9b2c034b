import { readFile, stat, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { systemClock } from '../clock.ts'
import { readConfig } from '../config.ts'
import { nativeCrypto } from '../crypto/native.ts'
import { silentLog } from '../log.ts'
import { showTokens } from '../tokens/amount.ts'
import { encodeRecord } from '../tokens/encoding.ts'
import { type Refusal, isRefusal } from '../tokens/refusal.ts'
import { cid } from '../tokens/shape.ts'
import { type Choices, readChoices } from '../tokens/worth/epoch-choices.ts'
import { type EpochPlan, planEpoch } from '../tokens/worth/plan-epoch.ts'
import { readInstant } from '../tokens/worth/read-instant.ts'
import { gatherPlan } from '../validator/gather-plan.ts'
import { readSnapshot } from '../validator/read-snapshot.ts'
import { type Verb, UsageError, fileFault } from './command.ts'
import { lookOutside } from './outside.ts'

const FILE_MAX_BYTES = 1_000_000

/** Plans what the next epoch of a ledger grants, from what governance has decided. */
export const networkPlan: Verb = {
  name: 'plan',
  summary: 'plan what the next epoch grants, from seals, vouches and what governance has decided',
  usage: `./angelos network plan --choices FILE --out FILE [--node ORIGIN] [--genesis CID]
                       [--at TIME]

  Reads what governance has decided (docs/tokens.md has its form), asks a node for the epochs and
  the vouches, the validators for their seals and the directory for device keys, and writes the
  plan that ends the epoch. The same choices at the same time give the same plan to everybody who
  asks a node that has read the same vouches: --at repeats one of that time.

  --node is the node of this machine unless it is said. --genesis is the first epoch of the ledger
  that you trust. Exit code 1 with the reason when what was decided cannot be.`,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        choices: { type: 'string' },
        out: { type: 'string' },
        node: { type: 'string' },
        genesis: { type: 'string' },
        at: { type: 'string' },
      },
    })
    const { choices: file, out, genesis } = values
    if (file === undefined || out === undefined)
      throw new UsageError('Say --choices and --out, a file each.')
    if (genesis !== undefined && cid(genesis, 'genesis') !== undefined)
      throw new UsageError('Say with --genesis a CID, bafyrei….')
    const now = values.at === undefined ? systemClock.now().getTime() : readInstant(values.at)
    if (now === undefined)
      throw new UsageError('Say with --at a time such as 2026-11-28T12:00:00Z.')
    const choices = await readChoicesFile(file)
    const at = { now, ...(genesis !== undefined && { genesis }) }
    const plan = isRefusal(choices) ? choices : await planBy(choices.choices, at, values.node)
    if (isRefusal(plan)) {
      process.stderr.write(`${plan.reason}: ${plan.detail}\n`)
      return 1
    }
    await writeFile(out, planText(plan))
    process.stdout.write(`${lines(plan, new Date(now)).join('\n')}\n`)
    return 0
  },
}

/** A plan as its file has it: the number of the epoch, what is granted, the params, and the record
 *  of the snapshot, which governance publishes and the epoch pins. */
function planText({ grants, params, personhood, told: { epoch } }: EpochPlan): string {
  const record = personhood && { personhood: { record: personhood.record } }
  return `${JSON.stringify({ epoch, grants, params, ...record })}\n`
}

/** Throws `UsageError` for a plan of another epoch than the next: what it rewards would be rewarded
 *  twice. One that says no epoch is somebody's own. */
export function requireNext(planned: unknown, current: number): void {
  if (planned === undefined || planned === current + 1) return
  throw new UsageError(
    `The plan is for epoch ${JSON.stringify(planned)}; the next is ${current + 1}.`,
  )
}

async function readChoicesFile(file: string): Promise<ReturnType<typeof readChoices>> {
  const { size } = await stat(file).catch(fileFault)
  if (size > FILE_MAX_BYTES) throw new UsageError(`${file} has more than ${FILE_MAX_BYTES} bytes.`)
  const text = await readFile(file, 'utf8').catch(fileFault)
  try {
    return readChoices(JSON.parse(text))
  } catch {
    throw new UsageError(`${file} is not JSON.`)
  }
}

async function planBy(
  choices: Choices,
  at: { readonly now: number; readonly genesis?: string },
  node: string | undefined,
): Promise<EpochPlan | Refusal> {
  const config = readConfig()
  const { outbound: fetch, resolver } = lookOutside(config, silentLog)
  const sources = {
    crypto: nativeCrypto,
    fetch,
    node: node ?? config.publicUrl,
    resolve: (did: string) => resolver.resolve(did),
  }
  const input = await gatherPlan(sources, choices, at)
  const plan = isRefusal(input) ? input : planEpoch(nativeCrypto, input)
  if (isRefusal(plan) || !plan.personhood) return plan
  // By the rule that every validator has before it signs.
  const { cid: pinned, record } = plan.personhood
  const found = readSnapshot(nativeCrypto, encodeRecord(record), pinned)
  return isRefusal(found) ? found : plan
}

const WIDTH = 14

function lines({ grants, personhood, told }: EpochPlan, at: Date): string[] {
  const { epoch, granted, unearned, supplyMost, persons, clusters } = told
  const witnesses = personhood?.record.persons.filter(({ key }) => key !== undefined).length ?? 0
  const rows: [string, string][] = [
    ['epoch', `${epoch}, counted at ${at.toISOString()}`],
    ['grants', `${grants.length}, of ${showTokens(granted)} in all`],
    ['unearned', `${showTokens(unearned)} of what nodes could have`],
    ['supply', `at most ${showTokens(supplyMost)} when it begins`],
    ['persons', `${persons}, ${witnesses} with a key, of ${clusters} clusters`],
    ['snapshot', personhood?.cid ?? 'none'],
  ]
  return rows.map(([name, text]) => `${name.padEnd(WIDTH)}${text}`)
}

import { tellingHosts } from './account-session.ts'
import { type Command, UsageError, type Verb } from './command.ts'
import { networkEndorse } from './network-endorse.ts'
import { networkEpoch } from './network-epoch.ts'
import { networkInit } from './network-init.ts'
import { networkJoin } from './network-join.ts'
import { networkPlan } from './network-plan.ts'
import { networkReward } from './network-reward.ts'
import { networkSeal } from './network-seal.ts'
import { networkStatus } from './network-status.ts'

const parts: readonly Verb[] = [
  networkJoin,
  networkInit,
  networkPlan,
  networkEpoch,
  networkSeal,
  networkStatus,
  networkReward,
  networkEndorse,
]

/** Founds a token ledger, takes part in it and leads it from epoch to epoch. */
export const network: Command = {
  usage: parts.map(({ summary, usage }) => `${usage}\n\n  This is to ${summary}.`).join('\n\n'),
  async run([verb, ...args]) {
    const part = parts.find(({ name }) => name === verb)
    if (part) return tellingHosts(() => part.run(args))
    throw new UsageError(`Say one of ${parts.map(({ name }) => name).join(', ')}.`)
  },
}

import type { Command, Named } from './command.ts'

/** A command that is loaded when it is wanted: some bring the whole node with them, and whoever
 *  asks for another one need not wait for it. */
type Listed = Named & { load(): Promise<Command> }

/** All commands, in the order of `help`. */
export const commands: readonly Listed[] = [
  {
    name: 'start',
    summary: 'run a node until Ctrl-C',
    load: async () => (await import('./start.ts')).start,
  },
  {
    name: 'account',
    summary: 'make an account on the running node',
    load: async () => (await import('./account.ts')).account,
  },
  {
    name: 'demo',
    summary:
      'play the stories of a space, a salon, a shop and a ledger on fresh nodes and print them',
    load: async () => (await import('./demo.ts')).demo,
  },
  {
    name: 'verify',
    summary: 'prove a record, a whole repo or a token transfer down to the signatures',
    load: async () => (await import('./verify.ts')).verify,
  },
  {
    name: 'quarantine',
    summary: 'list what was refused, or judge it again',
    load: async () => (await import('./quarantine.ts')).quarantine,
  },
  {
    name: 'rebuild',
    summary: 'make all views anew from the repos, without an interruption',
    load: async () => (await import('./rebuild.ts')).rebuild,
  },
  {
    name: 'network',
    summary: 'found a token ledger, take part in it, and lead it from epoch to epoch',
    load: async () => (await import('./network.ts')).network,
  },
  {
    name: 'wallet',
    summary: 'see, send and prove what an account has on a token ledger',
    load: async () => (await import('./wallet.ts')).wallet,
  },
  {
    name: 'plc',
    summary: 'run a PLC directory for development nodes to share',
    load: async () => (await import('./plc.ts')).plc,
  },
  {
    name: 'test',
    summary: 'run all checks and tests',
    load: async () => (await import('./test.ts')).test,
  },
  {
    name: 'bench',
    summary: 'measure speed against the reference, in one run',
    load: async () => (await import('./bench.ts')).bench,
  },
]

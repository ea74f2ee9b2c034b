import { parseArgs } from 'node:util'
import { committeeOf } from '../tokens/epoch.ts'
import { askPeer } from '../validator/ask-peer.ts'
import { openSession } from './account-session.ts'
import { type Verb, UsageError } from './command.ts'
import { openOwnLedger } from './network-files.ts'
import { validatorToken } from './validator-token.ts'

/** Stops a ledger, without beginning the next epoch. */
export const networkSeal: Verb = {
  name: 'seal',
  summary: 'stop a ledger at once: nothing is certified until its next epoch begins',
  usage: `./angelos network seal --account HANDLE [--password-file FILE]

  Has every validator that can be reached stop voting and seal what it has applied. It is for when
  something is wrong; nothing that was final is lost. "network epoch" begins the next epoch, and is
  all that makes the ledger go on. The account is the one that governs. Exit code 1 unless a quorum
  has sealed.`,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: { account: { type: 'string' }, 'password-file': { type: 'string' } },
    })
    const { account } = values
    if (account === undefined) throw new UsageError('Say with --account who governs the ledger.')
    const { config, fetch, current } = await openOwnLedger()
    const passwordFile = values['password-file']
    const session = await openSession({ service: config.localUrl, account, passwordFile })
    const { ledger, epoch, quorum } = committeeOf(current)
    let sealed = 0
    for (const { did, endpoint } of current.epoch.validators) {
      const token = await validatorToken(session, did)
      const body = { ledger, epoch, stage: 'seal' }
      const reply = await askPeer(fetch, endpoint, 'closeEpoch', { body, token })
      if (reply.ok) sealed += 1
      process.stdout.write(`${reply.ok ? 'sealed' : reply.message}  ${did}\n`)
    }
    const isStopped = sealed >= quorum
    process.stdout.write(`epoch ${epoch} is ${isStopped ? 'sealed' : 'not sealed'} by a quorum\n`)
    return isStopped ? 0 : 1
  },
}

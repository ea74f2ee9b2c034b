import { tellingHosts } from './account-session.ts'
import { type Command, UsageError, type Verb } from './command.ts'
import { verifyCertificate } from './verify-certificate.ts'
import { walletBalance } from './wallet-balance.ts'
import { walletHistory } from './wallet-history.ts'
import { walletKey } from './wallet-key.ts'
import { walletProve } from './wallet-prove.ts'
import { walletSend } from './wallet-send.ts'

const walletVerify: Verb = {
  name: 'verify',
  summary: 'prove a transfer from a file, asking nobody',
  usage: `./angelos wallet verify FILE --genesis CID [--json]

  The same as "verify certificate".`,
  run: verifyCertificate,
}

const parts: readonly Verb[] = [
  walletBalance,
  walletSend,
  walletHistory,
  walletProve,
  walletVerify,
  walletKey,
]

/** Spends and proves what an account has on a token ledger. */
export const wallet: Command = {
  usage: `${parts.map(({ summary, usage }) => `${usage}\n\n  This is to ${summary}.`).join('\n\n')}

  The ledger is that of the node on this machine, or of --genesis FILE, its first epoch. The account
  may be on any PDS; --service names it where it is not found by the account's document. All of it
  goes through public methods; the password is in --password-file, or the first line of the input.`,
  async run([verb, ...args]) {
    const part = parts.find(({ name }) => name === verb)
    if (part) return tellingHosts(() => part.run(args))
    throw new UsageError(`Say one of ${parts.map(({ name }) => name).join(', ')}.`)
  },
}

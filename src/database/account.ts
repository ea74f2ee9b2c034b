import { readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** A user of this machine that Postgres runs as. */
export type Account = { uid: number; gid: number }

/** Postgres refuses to run as root; these are tried in turn. */
const UNPRIVILEGED = ['postgres', 'nobody']

/** Whom root hands Postgres to: user `postgres` if this machine has it, else `nobody`. */
export function unprivilegedAccount(passwd = readFileSync('/etc/passwd', 'utf8')): Account {
  const users = passwd.split('\n').map((line) => line.split(':'))
  for (const name of UNPRIVILEGED) {
    const [, , uid, gid] = users.find((user) => user[0] === name) ?? []
    const account = { uid: Number(uid), gid: Number(gid) }
    if (Number.isInteger(account.uid) && Number.isInteger(account.gid) && account.uid !== 0) {
      return account
    }
  }
  throw new Error(
    'Postgres does not run as root and this machine has neither a user "postgres" nor "nobody": ' +
      'start the node as an ordinary user or set DATABASE_URL.',
  )
}

/** Whether `account` may pass through `folder` and every folder above it, by their mode bits. */
export function mayEnter(account: Account, folder: string): boolean {
  for (let at = realpathSync(folder); ; at = dirname(at)) {
    const { mode, uid, gid } = statSync(at)
    const shift = uid === account.uid ? 6 : gid === account.gid ? 3 : 0
    if (((mode >> shift) & 0o1) === 0) return false
    if (at === dirname(at)) return true
  }
}

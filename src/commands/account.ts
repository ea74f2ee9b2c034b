import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { readConfig } from '../config.ts'
import { loadKeys } from '../pds/secrets.ts'
import { createUserAccount } from '../pds/user-account.ts'
import { type Command, UsageError } from './command.ts'

/** Makes accounts on the running node, past the invite codes: whoever runs it may. */
export const account: Command = {
  usage: `./angelos account create HANDLE EMAIL [--password PASSWORD]

  Prints the account's DID, and the password when it was made here. The node has to be running;
  its settings tell where, and its data folder holds the operator's password.`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { password: { type: 'string' } },
    })
    const [verb, handle, email] = positionals
    if (verb !== 'create' || !handle || !email || positionals.length > 3)
      throw new UsageError('Say create, a handle and an e-mail address.')
    const config = readConfig()
    const folder = resolve(config.ANGELOS_DATA_DIR)
    if (!existsSync(join(folder, 'keys')))
      throw new UsageError(`${folder} is not a node’s data folder. Set ANGELOS_DATA_DIR.`)
    const keys = await loadKeys(folder)
    const password = values.password ?? randomBytes(15).toString('base64url')
    const made = await createUserAccount({
      origin: config.localUrl,
      handle,
      email,
      password,
      adminPassword: keys.adminPassword,
    }).catch((error: unknown) => {
      throw new UsageError(error instanceof Error ? error.message : String(error))
    })
    const lines = [`did       ${made.did}`, `handle    ${made.handle}`]
    if (values.password === undefined) lines.push(`password  ${password}`)
    process.stdout.write(`${lines.join('\n')}\n`)
    return 0
  },
}

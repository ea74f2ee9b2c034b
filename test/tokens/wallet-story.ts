import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect } from 'vitest'
import { openJournal } from '../../src/commands/wallet-journal.ts'
import { PASSWORD, type Person } from '../person.ts'
import { runCommand } from '../run-command.ts'
import type { TokenNetwork } from './network.ts'

/** Runs a wallet on a node, for one account. */
function walletOf({ nodes }: Pick<TokenNetwork, 'nodes'>, n: number, { handle }: Person) {
  const folder = mkdtempSync(join(tmpdir(), 'angelos-wallet-'))
  const file = (name: string) => join(folder, name)
  writeFileSync(file('password'), PASSWORD)
  const node = nodes[n]!
  const run = (...args: string[]) => runCommand(['wallet', ...args, '--account', handle], node.env)
  const good = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(...args)
    expect([code, stderr], stdout).toEqual([0, ''])
    return stdout
  }
  const login = ['--password-file', file('password')]
  const send = (...args: string[]) => run('send', ...args, ...login)
  return {
    file,
    run,
    good,
    send,
    login,
    node,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  }
}

/** The token that a PDS has sent by mail, as its database has it. */
function mailedToken(dataDir: string, did: string): string {
  const db = new Database(join(dataDir, 'pds', 'account.sqlite'), { readonly: true })
  const found = db
    .prepare(`select token from email_token where did = ? and purpose = 'plc_operation'`)
    .get(did) as { token: string }
  db.close()
  return found.token
}

/** Ada sees what she has, pays Ben by the command, both see it, and what she has paid is proved
 *  from a file; a wallet that is run again sends nothing twice. */
export async function payByWallet(
  network: Pick<TokenNetwork, 'nodes'>,
  { ada, ben }: { ada: Person; ben: Person },
): Promise<void> {
  using mine = walletOf(network, 0, ada)
  using his = walletOf(network, 1, ben)
  const [before] = [await mine.good('balance', '--json')]
  const { balance, seq, ledger } = JSON.parse(before) as {
    balance: number
    seq: number
    ledger: string
  }
  const sent = await mine.send(ben.did, '0.25', '--reason', 'for the speakers')
  expect(sent).toMatchObject({ code: 0, stderr: '' })
  expect(sent.stdout).toContain(`final: 0.25 AT, number ${seq + 1}`)
  const after = { balance: balance - 250_000, seq: seq + 1 }
  expect(JSON.parse(await mine.good('balance', '--json'))).toMatchObject(after)
  const number = String(seq + 1)
  // As after a wallet that was killed before it could tell.
  const id = /number \d+, (\w+),/.exec(sent.stdout)![1]!
  const journal = openJournal(join(mine.node.dataDir, 'wallet'), { account: ada.did, ledger })
  expect(journal.read()).toBeUndefined()
  journal.write({ seq: seq + 1, id, to: ben.did, amount: 250_000 })
  const again = await mine.send(ben.did, '0.25')
  expect(again).toMatchObject({ code: 0, stderr: '' })
  expect(again.stdout).toContain('which was begun before')
  expect(journal.read()).toBeUndefined()
  const sees = (line: string) => expect.objectContaining({ stdout: expect.stringContaining(line) })
  const soon = { timeout: 60_000, interval: 500 }
  const final = `peer_recognition, number ${number}, final`
  const out = `-0.25 AT to ${ben.did}  ${final}`
  await expect.poll(() => mine.run('history'), soon).toEqual(sees(out))
  await expect.poll(() => his.run('history'), soon).toEqual(sees(`  ${final}`))
  // The first was paid in an epoch that has ended since.
  for (const one of [number, '1']) {
    const proof = mine.file(`proof-${one}.json`)
    expect(await mine.good('prove', one, proof)).toContain(`--genesis ${ledger}`)
    const verified = await runCommand(['wallet', 'verify', proof, '--genesis', ledger])
    expect(verified.stdout).toContain('final')
    expect(verified.code).toBe(0)
  }
  for (const [args, code, word] of [
    [[ben.did, '1000000'], 1, 'InsufficientFunds'],
    [[ben.did, '0.0000001'], 2, 'how many tokens'],
    [['nobody.node1.test', '1'], 2, 'Nobody is found'],
    [[ada.handle, '1'], 2, 'SelfCredit'],
  ] as const) {
    const refused = await mine.send(...args)
    expect([refused.code, refused.stderr]).toEqual([code, expect.stringContaining(word)])
  }
  expect(JSON.parse(await mine.good('balance', '--json'))).toMatchObject(after)
}

/** A transfer that was begun and not certified is taken up, once; above the small limit it takes a
 *  device key, which Ada puts into her document; from then on nothing is paid without it. */
export async function payWithADeviceKey(
  network: Pick<TokenNetwork, 'nodes'>,
  { ada, ben }: { ada: Person; ben: Person },
): Promise<void> {
  using mine = walletOf(network, 0, ada)
  const key = mine.file('device.key')
  const didKey = (await runCommand(['wallet', 'key', 'create', key], mine.node.env)).stdout.trim()
  expect(readFileSync(key, 'utf8')).toMatch(/^[0-9a-f]{64}\n$/)
  const much = [ben.did, '20']
  const refused = await mine.send(...much)
  expect(refused).toMatchObject({ code: 1 })
  expect(refused.stderr).toContain('LimitWithoutDeviceKey')
  await mine.good('key', 'register', key, ...mine.login)
  const token = mailedToken(mine.node.dataDir, ada.did)
  await mine.good('key', 'register', key, ...mine.login, '--token', token)
  const shown = await mine.good('key', 'show')
  expect(shown).toContain(didKey)
  expect(shown).toContain('not met by a quorum (0 have)')
  // What was begun without the key is not good any more, and is taken up all the same.
  const bare = await mine.send(...much)
  expect(bare).toMatchObject({ code: 1 })
  expect(bare.stderr).toContain('SpendSignatureMissing')
  const signed = await mine.send(...much, '--key', key, '--replace')
  expect(signed).toMatchObject({ code: 0, stderr: '' })
  expect(signed.stdout).toContain('final: 20 AT')
  expect(await mine.good('key', 'show')).toContain('spends all that is there')
}

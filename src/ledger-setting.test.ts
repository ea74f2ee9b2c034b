import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { GOVERNANCE, firstEpoch, payer } from '../test/tokens/town.ts'
import type { Config } from './config.ts'
import { genesisFile, readGenesis, withOwnLedger } from './ledger-setting.ts'

let folder = ''
const VALIDATOR = payer('val')
const EPOCH = firstEpoch([{ did: VALIDATOR.did, key: VALIDATOR.signer.didKey }], [])
const TEXT = JSON.stringify(EPOCH)
const OWN = `${readGenesis('', TEXT).id}@${GOVERNANCE}`
const none = { ANGELOS_TOKEN_LEDGER: [] as string[] } as Config

beforeEach(() => {
  if (folder) rmSync(folder, { recursive: true })
  folder = mkdtempSync(join(tmpdir(), 'angelos-ledger-setting-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function put(file: string, text: string): string {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  return file
}

test('the views follow the ledger whose first epoch is in the data folder, or in the file that is set', async () => {
  expect(await withOwnLedger(none, folder)).toEqual(none)
  const file = put(genesisFile(folder), TEXT)
  const found = { ANGELOS_TOKEN_GENESIS: file, ANGELOS_TOKEN_LEDGER: [OWN] }
  expect(await withOwnLedger(none, folder)).toMatchObject(found)
  const elsewhere = put(join(folder, 'other', 'first.json'), TEXT)
  const set = { ...none, ANGELOS_TOKEN_GENESIS: elsewhere }
  expect(await withOwnLedger(set, join(folder, 'empty'))).toMatchObject({
    ...set,
    ANGELOS_TOKEN_LEDGER: [OWN],
  })
})

test('a ledger that is set as well is followed once, others beside it', async () => {
  put(genesisFile(folder), TEXT)
  const other = `${OWN.slice(0, -1)}x`
  const config = { ANGELOS_TOKEN_LEDGER: [other, OWN] } as unknown as Config
  expect((await withOwnLedger(config, folder)).ANGELOS_TOKEN_LEDGER).toEqual([OWN, other])
})

test('a file that is set and not there, or that holds no first epoch, is no ledger', async () => {
  const lost = { ...none, ANGELOS_TOKEN_GENESIS: join(folder, 'nowhere.json') }
  await expect(withOwnLedger(lost, folder)).rejects.toThrow('ENOENT')
  put(genesisFile(folder), '{"$type": "co.kendev.tokens.epoch"}')
  await expect(withOwnLedger(none, folder)).rejects.toThrow('holds no first epoch')
})

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { networkPlan, requireNext } from '../src/commands/network-plan.ts'

const folder = mkdtempSync(join(tmpdir(), 'angelos-plan-'))
afterAll(() => rmSync(folder, { recursive: true }))
const out = join(folder, 'plan.json')

function fileWith(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

test('choices of another form are refused by name, and no plan is written', async () => {
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const choices = fileWith('bad.json', '{"pools":[{"kind":"karma_reward","amount":0}]}')
  expect(await networkPlan.run(['--choices', choices, '--out', out])).toBe(1)
  expect(said).toHaveBeenCalledWith(expect.stringMatching(/^Malformed: choices.pools\[0\].amount/))
  said.mockRestore()
  expect(existsSync(out)).toBe(false)
})

const good = ['--choices', fileWith('good.json', '{}'), '--out', out]
test.each([
  ['no files', [], 'a file each'],
  ['a file that is not there', ['--choices', join(folder, 'none'), '--out', out], 'no such file'],
  ['a file of no JSON', ['--choices', fileWith('cut', '{'), '--out', out], 'is not JSON'],
  ['a genesis that is no CID', [...good, '--genesis', 'b'], 'a CID'],
  ['a time there is not', [...good, '--at', 'noon'], 'a time'],
])('%s is answered with what to say', async (_, args, message) => {
  await expect(networkPlan.run(args)).rejects.toThrow(message)
})

test('a plan is for the next epoch and no other, so that nothing is rewarded twice', () => {
  expect(() => requireNext(3, 2)).not.toThrow()
  expect(() => requireNext(undefined, 2)).not.toThrow()
  for (const planned of [2, 4, '3']) {
    expect(() => requireNext(planned, 2)).toThrow('the next is 3')
  }
})

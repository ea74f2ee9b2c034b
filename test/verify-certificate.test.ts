import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { UsageError } from '../src/commands/command.ts'
import { verify as command } from '../src/commands/verify.ts'
import { runHere } from './run-here.ts'
import { vectorUrl } from './tokens/vectors.ts'

const stored = async (name: string) => JSON.parse(await readFile(vectorUrl(name), 'utf8'))
const accepted = await stored('accepted.json')
const refused = await stored('refused.json')
const genesis: string = accepted.genesis
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'angelos-certificate-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function verify(proof: unknown, pinned = genesis, ...more: string[]) {
  const file = join(folder, 'proof.json')
  await writeFile(file, typeof proof === 'string' ? proof : JSON.stringify(proof))
  return runHere(command, ['certificate', file, '--genesis', pinned, ...more])
}

test('each good proof is told with who signed, when, and what it shows', async () => {
  for (const { proof, status, id, time, signers } of accepted.vectors) {
    const { code, stdout } = await verify(proof, genesis, '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ proved: true, status, transfer: id, time, signers })
  }
})

test('it reads as lines, with the newest epoch the file knows', async () => {
  const { code, stdout } = await verify(accepted.vectors[0].proof)
  expect(code).toBe(0)
  expect(stdout).toContain('proved    yes\nstatus    confirmed\n')
  expect(stdout).toContain('credits   2.5 to did:plc:')
  expect(stdout).toContain('newest    epoch 0, made 2026-11-28T12:00:00.000Z')
})

test('each changed proof ends with 1 and its reason', async () => {
  for (const { from, set, reason, genesis: pinned = genesis } of refused.vectors) {
    const good = accepted.vectors.find(({ name }: { name: string }) => name === from)
    const { code, stdout } = await verify({ ...good.proof, ...set }, pinned, '--json')
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 1, proved: false, reason })
  }
})

test('what is no proof file is refused, and what was asked wrongly is said', async () => {
  const { code, stdout } = await verify('{ no json')
  expect({ code, stdout }).toMatchObject({ code: 1, stdout: expect.stringContaining('Malformed') })
  await expect(verify({}, 'bafy')).rejects.toBeInstanceOf(UsageError)
  const none = runHere(command, ['certificate', join(folder, 'none'), '--genesis', genesis])
  await expect(none).rejects.toBeInstanceOf(UsageError)
  const unsaid = runHere(command, ['certificate', '--genesis', genesis])
  await expect(unsaid).rejects.toBeInstanceOf(UsageError)
})

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encode } from '@atcute/cbor'
import { Secp256k1Keypair } from '@atproto/crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { UsageError } from '../src/commands/command.ts'
import { verify as command } from '../src/commands/verify.ts'
import { FakeRepo, type FakeWrite, type Tampering, cidOf } from './firehose/fake-repo.ts'
import { runHere } from './run-here.ts'

const DID = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const NOTE = 'co.kendev.spaces.message'
const POST = 'app.bsky.feed.post'
let folder = ''
let repo: FakeRepo
let wholeRepo: Awaited<ReturnType<FakeRepo['commit']>>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'angelos-verify-'))
  repo = await FakeRepo.create(DID)
  wholeRepo = await repo.commit([...notes(NOTE, 40), ...notes(POST, 20)])
  const [key] = [repo.key.did().slice('did:key:'.length)]
  await save('document.json', documentOf(key))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

test('a record in a file is proved with the commit, the key and the way to it', async () => {
  await save('record.car', await repo.proof(NOTE, 'note7'))
  const { code, told } = await verify(`at://${DID}/${NOTE}/note7`, 'record.car')
  expect(code).toBe(0)
  expect(told).toMatchObject({
    proved: true,
    pds: 'https://pds.example.net',
    key: repo.key.did(),
    cid: cidOf(encode({ text: 'note 7' })).$link,
    record: { text: 'note 7' },
  })
  expect(told.way[0]).toBe(repo.data)
  const text = await runHere(command, argsOf(`at://${DID}/${NOTE}/note7`, 'record.car'))
  for (const said of [told.commit, told.key, told.rev, '"text": "note 7"'])
    expect(text.stdout).toContain(said)
})

test('that there is no such record is proved as well, and is not success', async () => {
  await save('nothing.car', await repo.proof(NOTE, 'nothing'))
  const { code, told } = await verify(`at://${DID}/${NOTE}/nothing`, 'nothing.car')
  expect(code).toBe(1)
  expect(told).toMatchObject({ proved: true, cid: null })
})

test('a whole repo is proved with its root and the number of records of each kind', async () => {
  await save('repo.car', (await repo.car(wholeRepo)).car)
  const { code, told } = await verify(DID, 'repo.car')
  expect(code).toBe(0)
  expect(told).toMatchObject({
    proved: true,
    root: repo.data,
    total: 60,
    records: { [NOTE]: 40, [POST]: 20 },
  })
})

test('what is no proof is told by the name of what is wrong with it', async () => {
  const stranger = await Secp256k1Keypair.create()
  const someRecord = cidOf(encode({ text: 'note 9' })).$link
  const lies: [string, Tampering][] = [
    ['BadSignature', { key: stranger }],
    ['WrongDid', { parts: (p) => void (p.unsigned.did = DID.replaceAll('a', 'b')) }],
    ['MissingRecord', { parts: (p) => void p.blocks.delete(someRecord) }],
    ['MissingTreeNode', { parts: (p) => void p.blocks.delete(p.unsigned.data.$link) }],
    ['BadBlockHash', { car: (car) => car.with(car.length - 1, car.at(-1)! ^ 1) }],
    ['BadCar', { car: (car) => car.subarray(0, car.length - 9) }],
  ]
  for (const [reason, tampering] of lies) {
    const parts = { ...wholeRepo, unsigned: { ...wholeRepo.unsigned } }
    parts.blocks = new Map(wholeRepo.blocks)
    tampering.parts?.(parts)
    await save('lie.car', (await repo.car(parts, tampering)).car)
    const { code, told } = await verify(DID, 'lie.car')
    expect([code, told.proved, told.reason]).toEqual([1, false, reason])
  }
})

test('a document without a key, and a directory that is down, are told and not taken', async () => {
  await save('repo.car', (await repo.car(wholeRepo)).car)
  await save('keyless.json', documentOf())
  const keyless = await verify(DID, 'repo.car', 'keyless.json')
  expect([keyless.code, keyless.told.reason]).toEqual([1, 'NoIdentity'])
  vi.stubEnv('ANGELOS_PLC_URL', 'http://localhost:9')
  const { code, stdout } = await runHere(command, [DID, '--json'])
  expect([code, (JSON.parse(stdout) as Told).reason]).toEqual([1, 'Unreachable'])
})

test('what is neither a DID nor a record of one is a wrong command line', async () => {
  for (const args of [[], ['ada.example.com'], [`at://${DID}/${NOTE}`], [DID, DID]]) {
    await expect(command.run(args)).rejects.toThrow('at-uri')
  }
  await expect(command.run(argsOf(DID, 'repo.car', 'nowhere'))).rejects.toThrow(UsageError)
})

type Told = { proved: boolean; reason?: string; commit: string; key: string; rev: string } & {
  way: string[]
}

async function verify(target: string, car: string, document?: string) {
  const { code, stdout } = await runHere(command, [...argsOf(target, car, document), '--json'])
  return { code, told: JSON.parse(stdout) as Told }
}

function argsOf(target: string, car: string, document = 'document.json'): string[] {
  const files = ['--car', join(folder, car), '--document', join(folder, document)]
  return [target, ...files]
}

async function save(name: string, content: Uint8Array | object): Promise<void> {
  const bytes = content instanceof Uint8Array ? content : JSON.stringify(content)
  await writeFile(join(folder, name), bytes)
}

function notes(collection: string, count: number): FakeWrite[] {
  return Array.from({ length: count }, (_, n) => ({
    action: 'create',
    collection,
    rkey: `note${n}`,
    record: { text: `note ${n}` },
  }))
}

function documentOf(publicKeyMultibase?: string): object {
  const method = { id: `${DID}#atproto`, type: 'Multikey', controller: DID, publicKeyMultibase }
  return {
    id: DID,
    verificationMethod: publicKeyMultibase === undefined ? [] : [method],
    service: [
      {
        id: '#atproto_pds',
        type: 'AtprotoPersonalDataServer',
        serviceEndpoint: 'https://pds.example.net',
      },
    ],
  }
}

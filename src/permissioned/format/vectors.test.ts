import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { p256Signer } from '../../crypto/p256.ts'
import { signerFromPrivateKey } from '../../crypto/ecdsa.ts'
import { commitFromJson } from './commit-json.ts'
import { checkCommit, commitContext, commitMac, signCommit } from './commit.ts'
import { type CredentialKey, checkCredential } from '../tokens/credential.ts'
import { checkDelegation } from '../tokens/delegation.ts'
import {
  type HeaderLines,
  checkExchange,
  checkUse,
  credentialOf,
  signatureBase,
} from '../tokens/http-signature.ts'
import { type RepoBlock, type RepoCar, readRepoCar } from './repo-car.ts'
import type { IndexEntry } from './repo-index.ts'
import { SetHash } from './set-hash.ts'

const FOLDER = 'test/vectors/spaces'

type Fault = { fault: string | null }
type Of = { space: string; author: string }

test('the vectors are what their generator makes', ({ skip }) => {
  const { status, stderr, error } = spawnSync('python3', [`${FOLDER}/generate.py`, '--check'])
  if (error) skip('there is no Python here')
  expect(stderr.toString()).toBe('')
  expect(status).toBe(0)
})

describe('set hash', () => {
  type Vector = { elements: string[]; stateBegins: string; hash: string }
  test.each(read<{ vectors: Vector[] }>('set-hash').vectors)('$hash', (vector) => {
    const set = new SetHash()
    for (const element of vector.elements) set.addElement(element)
    expect(hex(set.state().subarray(0, 16))).toBe(vector.stateBegins)
    expect(hex(set.digest())).toBe(vector.hash)
  })
})

describe('commit', () => {
  type Context = Of & Record<'rev' | 'ikm' | 'hash' | 'context' | 'mac', string>
  type Vector = Fault &
    Of & { curve: string; privateKey: string; signingKey: string; commit: object }
  const { contexts, vectors } = read<{ contexts: Context[]; vectors: Vector[] }>('commit')

  test.each(contexts)('context and MAC in $space', ({ space, author, rev, ...vector }) => {
    const ikm = Buffer.from(vector.ikm, 'hex')
    const context = commitContext({ space, author, rev, ikm })
    expect(hex(context)).toBe(vector.context)
    expect(hex(commitMac(ikm, context, Buffer.from(vector.hash, 'hex')))).toBe(vector.mac)
  })

  test.each(vectors)('$curve %# $fault', async (vector) => {
    const commit = commitFromJson(vector.commit)!
    expect(checkCommit(commit, vector) ?? null).toBe(vector.fault)
    if (vector.fault !== null) return
    const key = Buffer.from(vector.privateKey, 'hex')
    const signer = vector.curve === 'k256' ? signerFromPrivateKey(key) : p256Signer(key)
    expect(signer.didKey).toBe(vector.signingKey)
    const sign = (bytes: Uint8Array) => Promise.resolve(signer.sign(bytes))
    const { rev, hash, ikm } = commit
    const { space, author } = vector
    const own = await signCommit({ space, author, rev, hash, ikm, sign })
    expect(own).toEqual({ ...commit, sig: own.sig })
    expect(checkCommit(own, vector)).toBeUndefined()
  })
})

describe('token', () => {
  type Vector = Fault & { token: string; space: string; now: number }
  type Delegated = Vector & { signingKey: string }
  type Credited = Vector & { keys: Record<CredentialKey, string>; key: string }
  const tokens = read<{ delegations: Delegated[]; credentials: Credited[] }>('token')

  test.each(tokens.delegations)('delegation %# $fault', ({ fault, token, ...by }) => {
    const checked = checkDelegation(token, { ...by, now: new Date(by.now * 1000) })
    expect(checked.ok ? null : checked.fault).toBe(fault)
    if (checked.ok) expect(checked).toMatchObject({ space: by.space, jti: '5f3c' })
  })

  test.each(tokens.credentials)('credential %# $fault', ({ fault, token, key, ...by }) => {
    const checked = checkCredential(token, { ...by, now: new Date(by.now * 1000) })
    expect(checked.ok ? null : checked.fault).toBe(fault)
    if (checked.ok) expect(checked).toMatchObject({ space: by.space, jti: '5f3c', key })
  })
})

describe('HTTP signature', () => {
  type Vector = Fault & { headers: HeaderLines; key: string; base: string }
  type Use = Vector & { audience: string }
  type Exchange = Vector & { token: string }
  const { uses, exchanges } = read<{ uses: Use[]; exchanges: Exchange[] }>('http-signature')

  test.each(uses)('use %# $fault', ({ fault, headers, base, ...by }) => {
    expect(checkUse(headers, by) ?? null).toBe(fault)
    if (fault !== null) return
    expect(credentialOf(headers)).toBe('a.b.c')
    const params = base.slice(base.indexOf('@signature-params": ') + 20)
    const of = { authorization: 'Atproto-Space a.b.c', audience: by.audience, params }
    expect(Buffer.from(signatureBase(of)).toString()).toBe(base)
  })

  test.each(exchanges)('exchange %# $fault', ({ fault, headers, key, token }) => {
    const checked = checkExchange(headers)
    expect(checked).toEqual(fault === null ? { ok: true, token, key } : { ok: false, fault })
  })
})

describe('repo', () => {
  type Vector = Fault & { values: boolean; hash: string; entries: IndexEntry[]; car: string }
  const repos = read<Of & { signingKey: string; vectors: Vector[] }>('repo-car')

  test.each(repos.vectors)('CAR %# $fault', async ({ fault, values, hash, entries, car }) => {
    const bytes = Buffer.from(car, 'base64')
    const repo = await readRepoCar(streamed([bytes]), { values })
    if (!repo.ok) return expect(repo.fault).toBe(fault)
    const read = await whole(repo)
    expect(typeof read === 'string' ? read : null).toBe(fault)
    if (typeof read === 'string') return
    expect(checkCommit(repo.commit, repos)).toBeUndefined()
    expect(hex(repo.commit.hash)).toBe(hash)
    expect([...repo.entries()]).toEqual(entries)
    expect(read.map(({ path, cid }) => ({ path, cid }))).toEqual(values ? entries : [])
  })

  async function whole(repo: RepoCar): Promise<RepoBlock[] | string> {
    const blocks: RepoBlock[] = []
    for await (const block of repo.blocks()) {
      if ('fault' in block) return block.fault
      blocks.push(block)
    }
    return blocks
  }
})

function read<T>(name: string): T {
  return JSON.parse(readFileSync(`${FOLDER}/${name}.json`, 'utf8')) as T
}

async function* streamed<T>(all: readonly T[]): AsyncGenerator<T> {
  yield* all
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import http from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, normalize } from 'node:path'
import { json } from 'node:stream/consumers'
import { afterAll, expect, test } from 'vitest'
import { nativeCrypto } from '../../src/crypto/native.ts'
import { isRefusal } from '../../src/tokens/refusal.ts'
import { checkSpend, readTransfer } from '../../src/tokens/transfer.ts'
import { findBrowser } from '../find-browser.ts'
import { vectorUrl } from '../tokens/vectors.ts'

const ROOT = new URL('../../', import.meta.url).pathname
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const ATCUTE = '/node_modules/@atcute'
const NOBLE = '/node_modules/@noble'
/** Where a browser finds what the modules import by name: the files their packages name for it. */
const IMPORTS = {
  '@atcute/cbor': `${ATCUTE}/cbor/dist/index.js`,
  '@atcute/cid': `${ATCUTE}/cid/dist/index.js`,
  '@atcute/multibase': `${ATCUTE}/multibase/dist/index.js`,
  '@atcute/uint8array': `${ATCUTE}/uint8array/dist/index.js`,
  '#runtime': `${ATCUTE}/cbor/dist/runtime.js`,
  '#bases/base16': `${ATCUTE}/multibase/dist/bases/base16-web.js`,
  '#bases/base32-encode': `${ATCUTE}/multibase/dist/bases/base32-encode.js`,
  '#bases/base58': `${ATCUTE}/multibase/dist/bases/base58.js`,
  '#bases/base64': `${ATCUTE}/multibase/dist/bases/base64-web.js`,
  '@noble/curves/': `${NOBLE}/curves/esm/`,
  '@noble/hashes/crypto': `${NOBLE}/hashes/esm/crypto.js`,
  '@noble/hashes/utils': `${NOBLE}/hashes/esm/utils.js`,
  '@noble/hashes/': `${NOBLE}/hashes/esm/`,
}
/** Judges all vectors, and then all good ones once more by the clock; signs transfers. */
const SCRIPT = `
import { deviceKeyOf, makeKeyPair, signTransfer } from '/src/tokens/device-key.ts'
import { readTransfer } from '/src/tokens/transfer.ts'
import { browserCrypto } from '/src/tokens/browser-crypto.ts'
import { verifyProof } from '/src/tokens/light-client.ts'
import { readProofFile } from '/src/tokens/proof-file.ts'
const judge = (genesis, file) => {
  const read = readProofFile(file)
  return read.ok ? verifyProof(browserCrypto, genesis, read.proof) : read
}
const [accepted, refused] = await Promise.all(
  ['accepted', 'refused'].map(async (name) => (await fetch('/vectors/' + name)).json()),
)
const good = new Map(accepted.vectors.map((one) => [one.name, one.proof]))
const answers = [
  ...accepted.vectors.map(({ name, proof }) => [name, judge(accepted.genesis, proof)]),
  ...refused.vectors.map(({ name, from, set, genesis = refused.genesis }) =>
    [name, judge(genesis, { ...good.get(from), ...set })]),
].map(([name, { ok, status, id, time, signers, reason, detail }]) =>
  ({ name, ok, status, id, time, signers, reason, detail }))
const start = performance.now()
for (const proof of good.values()) judge(accepted.genesis, proof)
const milliseconds = (performance.now() - start) / good.size
const pair = await makeKeyPair(crypto.subtle)
const readOut = await crypto.subtle.exportKey('jwk', pair.privateKey).catch(({ name }) => name)
const key = await deviceKeyOf(crypto.subtle, pair)
const spent = []
for (const { proof: file } of accepted.vectors) {
  const { account, transfer } = readProofFile(file).proof
  const made = readTransfer(browserCrypto, account, transfer)
  for (let n = 0; n < 8; n += 1) {
    const { id, bytes } = await signTransfer(browserCrypto, made, key)
    spent.push({ account, id, bytes: Array.from(bytes) })
  }
}
const { didKey } = key
const signed = { didKey, readOut, spent }
await fetch('/result', { method: 'POST', body: JSON.stringify({ answers, milliseconds, signed }) })
`
const MAP = JSON.stringify({ imports: IMPORTS })
const PAGE = `<!doctype html><script type="importmap">${MAP}</script>
<script>
const fail = (error) => fetch('/result', { method: 'POST', body: JSON.stringify({ error }) })
addEventListener('error', (event) => fail(String(event.message ?? event.target?.src)), true)
addEventListener('unhandledrejection', (event) => fail(String(event.reason)))
</script>
<script type="module" src="/main.js"></script>`

type Spent = { account: string; id: string; bytes: number[] }
type Result = {
  answers?: Record<string, unknown>[]
  milliseconds?: number
  signed?: { didKey: string; readOut: string; spent: Spent[] }
  error?: string
}

const browser = await findBrowser()
const leftOver: (() => unknown)[] = []
afterAll(async () => {
  for (const end of leftOver.toReversed()) await end()
})

const page = browser === undefined ? {} : await resultOf(browser)

test.skipIf(browser === undefined)(
  'a browser takes and refuses the same proofs of transfers as a node, for the same reasons',
  async () => {
    const { answers, milliseconds, error } = page
    expect(error).toBeUndefined()
    const [accepted, refused] = await Promise.all(['accepted', 'refused'].map(vectors))
    const due = [
      ...accepted!.map(({ proof: _, ...shown }) => ({ ok: true, ...shown })),
      ...refused!.map(({ name, reason, detail }) => ({ name, ok: false, reason, detail })),
    ]
    expect(answers).toEqual(due)
    expect(due.length).toBeGreaterThan(90)
    expect(milliseconds).toBeLessThan(1_000)
  },
)

test.skipIf(browser === undefined)(
  'a browser spends with a key that it cannot read out, as validators want it signed',
  () => {
    const { didKey, readOut, spent } = page.signed!
    expect(readOut).toBe('InvalidAccessError')
    expect(spent.length).toBeGreaterThan(30)
    for (const { account, id, bytes } of spent) {
      const read = readTransfer(nativeCrypto, account, Uint8Array.from(bytes))
      if (isRefusal(read)) throw new Error(read.detail)
      expect(read.id).toBe(id)
      expect(checkSpend(nativeCrypto, read, didKey)).toBeUndefined()
    }
  },
)

async function resultOf(program: string): Promise<Result> {
  const { promise, resolve } = Promise.withResolvers<Result>()
  await open(program, `${await serve(resolve)}/`)
  return promise
}

async function vectors(name: string): Promise<Record<string, unknown>[]> {
  const { vectors: all } = JSON.parse(await readFile(vectorUrl(`${name}.json`), 'utf8')) as {
    vectors: Record<string, unknown>[]
  }
  return all
}

/** The page, our modules without their types, the packages as they are, and the vectors. */
async function serve(done: (result: Result) => void): Promise<string> {
  const server = http.createServer((request, response) => {
    void respond(request, done).then(([type, body]) => {
      response.writeHead(type === '' ? 404 : 200, { 'content-type': type || 'text/plain' })
      response.end(body)
    })
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  leftOver.push(
    () => server.close(),
    () => server.closeAllConnections(),
  )
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function respond(
  request: http.IncomingMessage,
  done: (result: Result) => void,
): Promise<[type: string, body: string]> {
  const path = normalize(new URL(request.url!, 'http://localhost').pathname)
  if (path === '/') return ['text/html', PAGE]
  if (path === '/main.js') return ['text/javascript', SCRIPT]
  if (path === '/result') {
    done((await json(request)) as Result)
    return ['text/plain', '']
  }
  const [, name] = /^\/vectors\/(\w+)$/.exec(path) ?? []
  if (name) return ['application/json', await readFile(vectorUrl(`${name}.json`), 'utf8')]
  if (!/^\/(src|node_modules)\/.+\.(js|ts)$/.test(path)) return ['', '']
  const text = await readFile(join(ROOT, path), 'utf8').catch(() => undefined)
  if (text === undefined) return ['', '']
  return ['text/javascript', path.endsWith('.ts') ? stripTypeScriptTypes(text) : text]
}

async function open(program: string, url: string): Promise<ChildProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'angelos-browser-'))
  leftOver.push(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  const child = spawn(program, [...FLAGS, `--user-data-dir=${folder}`, url], { stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  leftOver.push(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return child
}

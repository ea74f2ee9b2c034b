import { type RequestListener, createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { createOutbound } from './fetch.ts'
import { limitedPieces, readLimited, readLimitedJson } from './read-limited.ts'

const production = createOutbound({ development: false })
const development = createOutbound({ development: true })

test('in production only https to public addresses is allowed', async () => {
  const forbidden = [
    'http://public.example.net/',
    'http://localhost/',
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://10.0.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://100.64.0.1/',
    'https://[fd00::1]/',
    'https://0.0.0.0/',
    'https://user:secret@public.example.net/',
    'file:///etc/passwd',
    'data:text/plain,hello',
    'not a url',
  ]
  for (const url of forbidden) {
    await expect(production(url)).rejects.toMatchObject({ reason: 'ForbiddenUrl' })
  }
})

test('a public-looking name that resolves to this machine is not connected to', async () => {
  await using server = await serve((_request, response) => response.end('secret'))
  const url = `https://localhost:${server.port}/`
  await expect(production(url)).rejects.toMatchObject({ reason: 'Unreachable' })
  await expect(development(url)).rejects.toMatchObject({ reason: 'Unreachable' })
  expect(server.connections()).toBe(0)
})

test('in development plain http reaches this machine and nothing else', async () => {
  await using server = await serve((_request, response) => response.end('here'))
  for (const host of ['localhost', '127.0.0.1']) {
    const response = await development(`http://${host}:${server.port}/`)
    expect(await response.text()).toBe('here')
  }
  for (const url of [
    'http://10.0.0.1/',
    'http://localhost.example.net/',
    'http://127.0.0.1.nip.io/',
  ]) {
    await expect(development(url)).rejects.toMatchObject({ reason: 'ForbiddenUrl' })
  }
})

test('a redirect is refused', async () => {
  await using server = await serve((_request, response) => {
    response.writeHead(302, { location: '/elsewhere' }).end()
  })
  const answer = development(`http://localhost:${server.port}/`)
  await expect(answer).rejects.toMatchObject({ reason: 'Unreachable' })
  expect(server.connections()).toBe(1)
})

test('a host that does not answer, or never ends its answer, is left after the time', async () => {
  await using server = await serve((request, response) => {
    if (request.url === '/drip') response.write('a')
  })
  const timeoutMs = 100
  const silent = development(`http://localhost:${server.port}/`, { timeoutMs })
  await expect(silent).rejects.toMatchObject({ reason: 'Unreachable' })
  const dripping = await development(`http://localhost:${server.port}/drip`, { timeoutMs })
  await expect(readLimited(dripping, 100)).rejects.toMatchObject({ reason: 'Unreachable' })
})

test('a body larger than the limit is refused, also when it was small on the wire', async () => {
  await using server = await serve((_request, response) => {
    response.setHeader('content-encoding', 'gzip').end(gzipSync(Buffer.alloc(1_000_000)))
  })
  const url = `http://localhost:${server.port}/`
  await expect(readLimited(await development(url), 999_999)).rejects.toMatchObject({
    reason: 'TooLarge',
  })
  expect(await readLimited(await development(url), 1_000_000)).toHaveLength(1_000_000)
})

test('a body read in pieces is refused at the piece that is too much, or that does not come', async () => {
  await using server = await serve((request, response) => {
    response.write('a'.repeat(1_000))
    if (request.url === '/breaks') setTimeout(() => response.destroy(), 50)
    else response.end()
  })
  const url = `http://localhost:${server.port}/`
  const sizes: number[] = []
  for await (const { length } of limitedPieces(await development(url), 1_000)) sizes.push(length)
  expect(sizes.reduce((a, b) => a + b)).toBe(1_000)
  for (const [path, max, reason] of [
    ['', 999, 'TooLarge'],
    ['breaks', 2_000, 'Unreachable'],
  ] as const) {
    const pieces = limitedPieces(await development(`${url}${path}`), max)
    await expect(Array.fromAsync(pieces)).rejects.toMatchObject({ reason })
  }
})

test('a body that is not JSON is refused by name', async () => {
  await using server = await serve((request, response) => {
    response.end(request.url === '/json' ? '{"a":1}' : '<html>')
  })
  const page = await development(`http://localhost:${server.port}/`)
  await expect(readLimitedJson(page, 100)).rejects.toMatchObject({ reason: 'NotJson' })
  const json = await development(`http://localhost:${server.port}/json`)
  expect(await readLimitedJson(json, 100)).toEqual({ a: 1 })
})

async function serve(listener: RequestListener) {
  let connections = 0
  const server = createServer(listener)
  server.on('connection', () => {
    connections += 1
  })
  await new Promise<void>((resolve) => {
    server.listen(0, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
}

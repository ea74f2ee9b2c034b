import { once } from 'node:events'
import { createServer as createHttp } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer } from '@atproto/xrpc-server'
import { expect, onTestFinished, test } from 'vitest'
import { co } from '../lexicons/index.ts'
import { addMethod } from './mount.ts'

type Layer = { readonly route: { readonly path: string } }

test('methods of a validator are found first, and all others as before', async () => {
  const server = createServer([], { validateResponse: false })
  const { readEpochs, readStateRoot, submitTransfer } = co.kendev.tokens
  server.add(readStateRoot, {
    handler: () => ({ encoding: 'application/json', body: { from: 'another' } }),
  } as never)
  addMethod(server, readEpochs, () => Promise.resolve({ from: 'a validator' }))
  addMethod(server, submitTransfer, () => Promise.resolve({}))
  const layers = server.routes.stack as Layer[]
  const names = layers.map(({ route }) => route.path.split('.').at(-1))
  // Each has one for its own verb and one that says which that is.
  const twice = ['submitTransfer', 'readEpochs', 'readStateRoot'].flatMap((name) => [name, name])
  expect(names).toEqual(twice)
  const http = createHttp(server.router as never).listen(0, '127.0.0.1')
  onTestFinished(() => void http.close())
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  const ask = async (name: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}/xrpc/co.kendev.tokens.${name}`)
    return (await answer.json()) as { from?: string; error?: string }
  }
  expect(await ask('readEpochs')).toEqual({ from: 'a validator' })
  expect(await ask('readStateRoot')).toEqual({ from: 'another' })
  expect(await ask('submitTransfer')).toMatchObject({ error: 'InvalidRequest' })
})

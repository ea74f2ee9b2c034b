import { type AddressInfo, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { freePort } from './free-port.ts'

test('the wanted port is given while it is free, another one below 32768 otherwise', async () => {
  const port = await freePort()
  expect(await freePort(port)).toBe(port)
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  const { port: busy } = taken.address() as AddressInfo
  const other = await freePort(busy)
  expect(other).not.toBe(busy)
  expect(other).toBeLessThan(32_768)
  taken.close()
})

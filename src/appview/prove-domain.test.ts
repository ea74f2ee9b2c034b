import { expect, test } from 'vitest'
import type { Outbound } from '../outbound/fetch.ts'
import { OutboundError } from '../outbound/outbound-error.ts'
import { createProveDomain } from './prove-domain.ts'

const domain = { domain: 'salon.example', challenge: 'c'.repeat(43) }
const nowhere: Outbound = () => Promise.reject(new OutboundError('Unreachable', 'no answer'))
const file = (text: string, status = 200): Outbound => {
  return async (url) => {
    expect(String(url)).toBe('https://salon.example/.well-known/angelos-domain')
    return new Response(text, { status })
  }
}
const noRecords = async () => []

test('a domain is proven by a record in DNS among others, or by a file of its web server', async () => {
  const txtRecords = async (name: string) =>
    name === '_angelos.salon.example' ? ['v=spf1', `angelos-domain=${domain.challenge}`] : []
  const inDns = createProveDomain({ txtRecords, outbound: nowhere })
  expect(await inDns(domain)).toEqual({ holds: true })
  const inFile = createProveDomain({ txtRecords: noRecords, outbound: file('cc\n', 404) })
  expect(await inFile(domain)).toMatchObject({ holds: false })
  const right = createProveDomain({
    txtRecords: () => Promise.reject(new Error('DNS is away')),
    outbound: file(`${domain.challenge}\n`),
  })
  expect(await right(domain)).toEqual({ holds: true })
})

test('a file that holds more than the proof proves nothing, and the answer says what was found', async () => {
  for (const text of [`${domain.challenge} and more`, 'x'.repeat(5_000), '<html></html>']) {
    const prove = createProveDomain({ txtRecords: noRecords, outbound: file(text) })
    const proof = await prove(domain)
    expect(proof.holds).toBe(false)
    if (!proof.holds) expect(proof.found).toContain('_angelos.salon.example has 0 other TXT')
  }
})

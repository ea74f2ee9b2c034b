import { toBytes } from '@atcute/cbor'
import { expect, test } from 'vitest'
import type { Outbound } from '../outbound/fetch.ts'
import { certifyTransfer } from './certify-transfer.ts'
import { httpSeals } from './http-seals.ts'
import { listFrom, remoteValidator } from './remote-validator.ts'
import { setsOf } from './agree-on-seals.ts'
import { nativeCrypto } from '../crypto/native.ts'
import { foundTown, orderOf, payer } from '../../test/tokens/town.ts'

const LEDGER = 'bafyreifmakho22qjptfycciab2gm6hyl4yeav7b2sp6us2ndotavqn4qgi'
const PEER = { did: 'did:web:liar.test', endpoint: 'https://liar.test', key: '' }

/** A validator that answers every request with this text. */
const answering =
  (text: string, status = 200): Outbound =>
  () =>
    Promise.resolve(new Response(text, { status }))

const NONSENSE = [
  '',
  'null',
  '[]',
  '"text"',
  '{',
  '{"items":[null,1,{},{"account":1}]}',
  '{"items":[{"account":"did:plc:a","record":{"$bytes":"*"},"certificate":{}}]}',
  '{"applied":{}}',
  '{"applied":{"account":"did:plc:a","record":1,"certificate":2}}',
  '{"attestation":null}',
  '{"error":"LedgerUnknown"}',
  '{"attestation":{"validator":"did:web:liar.test","signature":{"$bytes":""}}}',
  `${'['.repeat(50)}${']'.repeat(50)}`,
]

test('whatever a validator answers, who asks it goes on', async () => {
  const town = await foundTown(4, [])
  const ada = payer('ada')
  const order = orderOf(town, ada, { credits: [{ to: payer('ben').did, amount: 1 }] })
  const submission = { account: ada.did, record: order.bytes, car: new Uint8Array() }
  for (const text of NONSENSE) {
    for (const status of [200, 400, 500]) {
      const fetch = answering(text, status)
      const peer = remoteValidator(fetch, PEER, LEDGER)
      const bytes = new Uint8Array(1)
      await peer.apply({ account: 'did:plc:a', record: bytes, certificate: bytes })
      expect(await peer.since('did:plc:a', 1)).toEqual([])
      const driven = await certifyTransfer(
        { crypto: nativeCrypto, fetch },
        town.genesis,
        submission,
      )
      expect(driven, text).toMatchObject({ status: 'pending' })
      const seals = httpSeals(fetch, LEDGER, () => [PEER])
      expect(await seals.seal(PEER.did, 0)).toBeUndefined()
    }
  }
})

test('an answer without end is not read to its end', async () => {
  const chunk = new TextEncoder().encode('"'.padEnd(1_000_000, 'x'))
  let sent = 0
  const endless = new ReadableStream({
    pull(to) {
      sent += chunk.length
      to.enqueue(chunk)
    },
  })
  const fetch: Outbound = () => Promise.resolve(new Response(endless))
  expect(await listFrom(fetch, PEER, { ledger: LEDGER })).toEqual({ items: [] })
  expect(sent).toBeLessThan(20_000_000)
})

test('a seal whose pages never end is none', async () => {
  const seal = { $bytes: toBytes(new Uint8Array(3)).$bytes }
  let asked = 0
  const fetch: Outbound = () => {
    asked += 1
    return Promise.resolve(Response.json({ seal, transfers: [], cursor: '0' }))
  }
  expect(await httpSeals(fetch, LEDGER, () => [PEER]).seal(PEER.did, 0)).toBeUndefined()
  expect(asked).toBe(1)
})

test('every quorum of seals can be tried', () => {
  expect([...setsOf(['a', 'b', 'c', 'd'], 3)].map((set) => set.join(''))).toEqual([
    'abc',
    'abd',
    'acd',
    'bcd',
  ])
})

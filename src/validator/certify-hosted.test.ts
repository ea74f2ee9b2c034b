import { expect, test } from 'vitest'
import type { Timers } from '../clock.ts'
import { noEvents } from '../events.ts'
import { silentLog } from '../log.ts'
import { assemble } from '../tokens/certificate.ts'
import { type CertificatePut, certifyHosted } from './certify-hosted.ts'

const CID = 'bafyreiesorhlnlvwtlps2plsefku6xig6cwyqw7trir253jifvnxsnhubq'
const wanted = (account: string, seq: number) => ({ account, name: `${account} ${seq}`, seq })

/** A final transfer; what its certificate proves is not looked at here. */
function final(account: string, seq: number) {
  const about = { phase: 'apply', ledger: CID, epoch: 0, committee: CID } as const
  const apply = assemble({ ...about, account, seq, transfer: CID }, [])
  return { status: 'final', lock: apply, apply } as const
}

/** Runs so many rounds; each takes no time but what is waited. */
async function rounds(
  n: number,
  certify: (account: string, seq: number) => ReturnType<typeof final> | undefined,
  fails: (round: number) => boolean = () => false,
) {
  const asked: string[] = []
  const written: CertificatePut[][] = []
  const stop = new AbortController()
  let now = 0
  let round = 0
  const timers: Timers = {
    now: () => new Date(now),
    sleep: async (ms) => {
      now += ms
      round += 1
      if (round >= n) stop.abort()
    },
    breathe: async () => {},
    random: () => 0,
  }
  const source = {
    list: async () => [
      wanted('did:plc:ada', 1),
      wanted('did:plc:ada', 2),
      wanted('did:web:b%3A1', 1),
    ],
    certify: async ({ account, name, seq }: ReturnType<typeof wanted>) => {
      asked.push(name)
      return certify(account, seq)
    },
  }
  const publish = async (puts: readonly CertificatePut[]) => {
    if (fails(round)) throw new Error('the repo is busy')
    written.push([...puts])
  }
  const parts = { sources: [source], code: 'AT', publish, timers, events: noEvents, log: silentLog }
  await certifyHosted(parts as never, stop.signal)
  return { asked, written }
}

test('transfers of an account are certified in their order, and published together', async () => {
  const { asked, written } = await rounds(3, final)
  expect(asked.filter((name) => name.startsWith('did:plc:ada'))).toEqual([
    'did:plc:ada 1',
    'did:plc:ada 2',
  ])
  expect(written).toHaveLength(1)
  expect(written[0]!.map(({ rkey }) => rkey).toSorted()).toEqual([
    'at.ada.000000000001',
    'at.ada.000000000002',
    'at.b-3A1.000000000001',
  ])
})

test('what follows an open transfer waits, and an open one is asked for less and less', async () => {
  const { asked } = await rounds(32, (account, seq) =>
    account === 'did:plc:ada' ? undefined : final(account, seq),
  )
  expect(asked).not.toContain('did:plc:ada 2')
  const tries = asked.filter((name) => name === 'did:plc:ada 1').length
  expect(tries).toBe(6)
})

test('what could not be published is certified and published again', async () => {
  const { written } = await rounds(6, final, (round) => round === 0)
  expect(written.flat().map(({ rkey }) => rkey)).toContain('at.ada.000000000001')
})

import { systemClock } from '../../src/clock.ts'
import { nativeCrypto } from '../../src/crypto/native.ts'
import { p256Signer } from '../../src/crypto/p256.ts'
import { openPool } from '../../src/database/pool.ts'
import type { SqlPool } from '../../src/database/sql.ts'
import { silentLog } from '../../src/log.ts'
import { readCertificate } from '../../src/tokens/certificate.ts'
import { readEpoch } from '../../src/tokens/epoch.ts'
import type { Order } from '../../src/tokens/ledger-view.ts'
import { type Refusal, isRefusal } from '../../src/tokens/refusal.ts'
import { readTransfer } from '../../src/tokens/transfer.ts'
import type { Answer, Validator } from '../../src/tokens/validator.ts'
import { openValidator } from '../../src/validator/open-validator.ts'
import { type Crash, MortalPool } from '../business-kills/mortal-pool.ts'

/** Whose life it is. */
export type Life = {
  readonly databaseUrl: string
  /** The first epoch's record. */
  readonly genesis: Uint8Array
  readonly did: string
  readonly key: Uint8Array
  readonly startsFile: string
}

/** What the child is told. Every question has a number, which its answer names. */
export type Told =
  | { readonly kind: 'live'; readonly life: Life; readonly crash: Crash | undefined }
  | { readonly kind: 'crash'; readonly crash: Crash }
  | ({ readonly kind: 'submit'; readonly n: number } & Pick<Order, 'keys' | 'senderKey'> & Record)
  | ({ readonly kind: 'apply'; readonly n: number; readonly certificate: Uint8Array } & Record)
type Record = { readonly account: string; readonly record: Uint8Array }

/** What the child tells; an answer as JSON has it. */
export type Says =
  | 'alive'
  | { readonly n: number; readonly answer: string }
  | { readonly n: number; readonly error: string }

let mortal: MortalPool | undefined
let validator: Validator | undefined

/** A validator of one ledger on the database, which ends at the statement it was told. */
async function live({ databaseUrl, genesis, did, key, startsFile }: Life, crash?: Crash) {
  const read = good(readEpoch(nativeCrypto, genesis))
  const pool = openPool({ url: databaseUrl, max: 4, log: silentLog })
  mortal = new MortalPool(pool as unknown as SqlPool)
  mortal.arm(crash)
  const made = { genesis: read, did, signer: p256Signer(key), startsFile }
  const parts = { sql: mortal, crypto: nativeCrypto, clock: systemClock, ...made }
  ;({ validator } = await openValidator(parts))
  say('alive')
}

function say(says: Says): void {
  process.send?.(says)
}

function good<T>(read: T | Refusal): T {
  if (isRefusal(read)) throw new Error(`${read.reason}: ${read.detail}`)
  return read
}

function ask(n: number, asking: Promise<Answer>): void {
  asking.then(
    (answer) => say({ n, answer: JSON.stringify(answer) }),
    (error: unknown) => say({ n, error: String(error) }),
  )
}

process.on('disconnect', () => process.exit())
process.on('message', (told: Told) => {
  if (told.kind === 'crash') return mortal?.arm(told.crash)
  if (told.kind !== 'live') {
    const read = good(readTransfer(nativeCrypto, told.account, told.record))
    if (told.kind === 'submit') {
      const { keys, senderKey } = told
      return ask(told.n, validator!.submit({ ...read, keys, senderKey }))
    }
    const { certificate } = good(readCertificate(told.certificate))
    return ask(told.n, validator!.apply(read, certificate))
  }
  live(told.life, told.crash).catch((error: unknown) => {
    process.stderr.write(`it cannot live: ${String(error)}\n`)
    process.exit(1)
  })
  return undefined
})

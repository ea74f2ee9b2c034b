import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { didOf, firstEpoch, payer } from '../../test/tokens/town.ts'
import { encodeRecord } from '../tokens/encoding.ts'
import { draftFile } from './network-epoch.ts'

const folder = mkdtempSync(join(tmpdir(), 'angelos-drafts-'))
afterAll(() => rmSync(folder, { recursive: true }))

const { did, signer } = payer('val')
const epoch = firstEpoch([{ did, key: signer.didKey }], [])
const other = { ...epoch, createdAt: '2026-12-01T00:00:00.000Z' }
const personhood = { cid: 'a', record: encodeRecord({ some: 'snapshot' }) }

test('what was proposed as the next epoch is proposed again, whatever is decided later', async () => {
  expect(await draftFile(folder).keep({ epoch, personhood })).toEqual({ epoch, personhood })
  expect(await draftFile(folder).keep({ epoch: other })).toEqual({ epoch, personhood })
})

test('one that every validator has refused, or that has begun, is proposed no more', async () => {
  const drafts = draftFile(folder)
  await drafts.drop({ epoch })
  expect(await drafts.keep({ epoch: other })).toEqual({ epoch: other })
  drafts.forget(0)
  const grants = [{ kind: 'system_grant', amount: 5, to: didOf('ada') }] as const
  expect(await drafts.keep({ epoch: { ...epoch, grants } })).toMatchObject({ epoch: { grants } })
})

import { InvalidRequestError } from '@atproto/xrpc-server'
import { expect, test } from 'vitest'
import { spaceOf } from './mount.ts'
import type { AccountStatus } from '../ports.ts'
import { type Reader, mayReadRepo } from './repo-reader.ts'

const space = spaceOf('at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/space/com.example.garden.plot/one')
const repo = 'did:plc:bbbbbbbbbbbbbbbbbbbbbbbb'
const reader: Reader = { kind: 'credential', space: space.uri, audience: repo }

/** What reading a repo comes to when its account stands like that. */
async function reading(status: AccountStatus | undefined): Promise<string | undefined> {
  const accounts = { status: async () => status, sign: () => async () => new Uint8Array() }
  const spaces = {
    find: async () => undefined,
    require: async () => Promise.reject(new Error('not asked for')),
  }
  try {
    await mayReadRepo({ accounts, spaces }, reader, { space, repo })
    return undefined
  } catch (error) {
    return error instanceof InvalidRequestError ? error.customErrorName : String(error)
  }
}

test('what is read of a repo depends on how its account stands', async () => {
  expect(await reading('active')).toBeUndefined()
  expect(await reading('takendown')).toBe('RepoTakendown')
  expect(await reading('suspended')).toBe('RepoSuspended')
  expect(await reading('deactivated')).toBe('RepoDeactivated')
  expect(await reading(undefined)).toBe('RepoNotFound')
})

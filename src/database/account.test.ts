import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { mayEnter, unprivilegedAccount } from './account.ts'

const nobody = 'nobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin'

test('root hands Postgres to user postgres, or else to nobody', () => {
  const postgres = 'postgres:x:101:104:PostgreSQL:/var/lib/postgresql:/bin/bash'
  expect(unprivilegedAccount(`${nobody}\n${postgres}\n`)).toEqual({ uid: 101, gid: 104 })
  expect(unprivilegedAccount(`root:x:0:0::/root:/bin/sh\n${nobody}`)).toEqual({
    uid: 65534,
    gid: 65533,
  })
})

test('a machine without either user, or with one that is root, is refused', () => {
  expect(() => unprivilegedAccount('root:x:0:0::/root:/bin/sh\n')).toThrow(/set DATABASE_URL/)
  expect(() => unprivilegedAccount('postgres:x:0:0::/:/bin/sh\nnobody:x:oops:1:::')).toThrow(
    /neither/,
  )
})

test('a folder is reachable when every folder above it lets the user pass', () => {
  const top = mkdtempSync(join(tmpdir(), 'angelos-test-'))
  const inner = join(top, 'a/b')
  mkdirSync(inner, { recursive: true, mode: 0o755 })
  const stranger = { uid: 54_321, gid: 54_321 }
  expect(mayEnter(stranger, inner)).toBe(false)
  chmodSync(top, 0o711)
  expect(mayEnter(stranger, inner)).toBe(true)
  chmodSync(inner, 0o700)
  expect(mayEnter(stranger, inner)).toBe(false)
  expect(mayEnter({ uid: process.getuid?.() ?? -1, gid: -1 }, inner)).toBe(true)
  rmSync(top, { recursive: true })
})

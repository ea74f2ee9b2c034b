import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { binariesIn, findBinaries, makeRunnable } from './binaries.ts'

test('programs whose install script never ran are made runnable', () => {
  const folder = mkdtempSync(join(tmpdir(), 'angelos-test-'))
  const native = join(folder, 'native')
  const { root, version } = findBinaries()
  cpSync(root, native, { recursive: true, verbatimSymlinks: true })
  const isLink = (name: string) => lstatSync(join(native, 'lib', name)).isSymbolicLink()
  const links = readdirSync(join(native, 'lib')).filter(isLink)
  expect(links.length).toBeGreaterThan(0)
  for (const name of links) rmSync(join(native, 'lib', name))
  const copy = binariesIn(native, version)
  chmodSync(copy.postgres, 0o644)
  expect(() => execFileSync(copy.postgres, ['--version'], { stdio: 'pipe' })).toThrow(/EACCES/)

  makeRunnable(folder, copy)
  makeRunnable(folder, copy)
  expect(readdirSync(join(native, 'lib')).filter(isLink)).toEqual(links)
  expect(execFileSync(copy.postgres, ['--version'], { encoding: 'utf8' })).toMatch(/18\.\d/)
  rmSync(folder, { recursive: true })
})

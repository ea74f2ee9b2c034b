import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type TempFolder = { path: string; remove(): void }

/** A new folder; by default others may pass through it, so that root's Postgres stays inside. */
export function tempFolder(mode = 0o711): TempFolder {
  const path = mkdtempSync(join(tmpdir(), 'angelos-test-'))
  chmodSync(path, mode)
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

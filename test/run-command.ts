import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { vi } from 'vitest'
import type { Command } from '../src/commands/command.ts'

const MAIN = new URL('../src/main.ts', import.meta.url).pathname

/** What a command said and how it ended; a killed one has no code. */
export type Ended = { code: number | null; stdout: string; stderr: string }

/** A command of ours in a process of its own. */
export type RunningCommand = { readonly child: ChildProcess; readonly ended: Promise<Ended> }

/** Starts `./angelos NAME …` with these settings and none of the caller's. */
export function startCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): RunningCommand {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (data: Buffer) => (said.stdout += data.toString()))
  child.stderr.on('data', (data: Buffer) => (said.stderr += data.toString()))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...said }))
  return { child, ended }
}

/** Runs a command in this process, one at a time, with this process's settings. */
export async function runHere(
  command: Command,
  args: readonly string[],
): Promise<{ code: number; stdout: string }> {
  let stdout = ''
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text)
    return true
  })
  try {
    const code = await command.run(args)
    return { code, stdout }
  } finally {
    spy.mockRestore()
  }
}

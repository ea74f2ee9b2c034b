import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

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

/** Runs it in a process of its own to its end. */
export function runCommand(
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<Ended> {
  return startCommand(args, env).ended
}

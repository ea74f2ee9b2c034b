import { vi } from 'vitest'
import type { Command } from '../src/commands/command.ts'

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

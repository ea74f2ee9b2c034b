import { inspect } from 'node:util'
import { UsageError } from './commands/command.ts'
import { commands } from './commands/list.ts'
import { ConfigError } from './config.ts'

/** How long a command may take to end once it has answered, in milliseconds. */
const END_MS = 10_000

process.exitCode = await main(process.argv.slice(2))
// Whoever runs the command waits for its end: what could not be stopped must not keep it.
setTimeout(() => process.exit(), END_MS).unref()

async function main([name = 'help', ...args]: readonly string[]): Promise<number> {
  const listed = commands.find((c) => c.name === name)
  if (name === 'help' || name === '--help' || name === '-h') return help()
  if (!listed) {
    process.stderr.write(`angelos: there is no command ${name}\n\n`)
    help()
    return 2
  }
  const command = await listed.load()
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(`${name}: ${listed.summary}\n\n${command.usage}\n`)
    return 0
  }
  try {
    return await command.run(args)
  } catch (error) {
    if (error instanceof ConfigError) process.stderr.write(`${error.message}\n`)
    else if (isUsage(error)) process.stderr.write(`${error.message}\n\n${command.usage}\n`)
    else process.stderr.write(`${inspect(error)}\n`)
    return isUsage(error) || error instanceof ConfigError ? 2 : 1
  }
}

function help(): number {
  const width = Math.max(...commands.map((c) => c.name.length))
  const lines = commands.map((c) => `  ${c.name.padEnd(width)}  ${c.summary}`)
  process.stdout.write(`./angelos COMMAND

${lines.join('\n')}
  ${'help'.padEnd(width)}  print this

./angelos COMMAND --help says more. Settings come from the environment: see node.env.example.
`)
  return 0
}

function isUsage(error: unknown): error is Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return error instanceof UsageError || code.startsWith('ERR_PARSE_ARGS')
}

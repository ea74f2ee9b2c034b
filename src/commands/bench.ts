import { parseArgs } from 'node:util'
import { type Command, UsageError } from './command.ts'

/** Measures this machine, side by side with what there is to compare with. */
export const bench: Command = {
  name: 'bench',
  summary: 'measure speed against the reference, in one run',
  usage: `./angelos bench write|write-pds|read

  write      createRecord/s through the whole node against the bare @atproto/pds
  write-pds  the same with our PDS alone, without firehose and views
  read       a point read with auth against bare xrpc-server, lists over 100,000 messages

  Prints what it measures and, as its last line, one JSON object.`,
  async run(args) {
    const { positionals } = parseArgs({ args: [...args], allowPositionals: true, options: {} })
    const { benches } = await import('../../bench/benches.ts')
    const measure = benches[positionals[0] ?? '']
    if (!measure || positionals.length !== 1)
      throw new UsageError(`Say one of ${Object.keys(benches).join(', ')}.`)
    const result = await measure((line) => void process.stdout.write(`${line}\n`))
    process.stdout.write(`${JSON.stringify(result)}\n`)
    return 0
  },
}

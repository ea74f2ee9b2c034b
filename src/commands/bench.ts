import { parseArgs } from 'node:util'
import { type Command, UsageError } from './command.ts'

/** Measures this machine, side by side with what there is to compare with. */
export const bench: Command = {
  usage: `./angelos bench NAME [--size N]

  booking    N appointments booked against bare transactions of the same shape, a month searched
  ingest     commits verified against the reference's way, N records from frames to views
  orders     N checkouts against bare transactions of the same shape
  permissioned
             writes into permissioned repos against one-row transactions, a space of N records
             synced, credentials checked, what is not there against what is not the asker's
  tokens     what a validator of tokens spends on N transfers, core and whole, and four nodes under
             load; tokens-core, tokens-stored, tokens-steps and tokens-network are its parts
  write      createRecord/s through the whole node against the bare @atproto/pds
  write-pds  the same with our PDS alone, without firehose and views
  read       a point read with auth against bare xrpc-server, lists over 100,000 messages
  rebuild    all views from CARs of N records (a million unless said) against COPY of the rows
  visible    N times from createRecord's answer to the row in the view

  Prints what it measures and, as its last line, one JSON object.`,
  async run(args) {
    const { positionals, values } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { size: { type: 'string' } },
    })
    const { benches } = await import('../../bench/benches.ts')
    const measure = benches[positionals[0] ?? '']
    if (!measure || positionals.length !== 1)
      throw new UsageError(`Say one of ${Object.keys(benches).join(', ')}.`)
    const size = values.size === undefined ? undefined : Number(values.size)
    if (size !== undefined && !(size >= 1)) throw new UsageError('--size is a number of records.')
    const result = await measure((line) => void process.stdout.write(`${line}\n`), size)
    process.stdout.write(`${JSON.stringify(result)}\n`)
    return 0
  },
}

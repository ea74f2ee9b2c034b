import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Command, UsageError } from './command.ts'

const CHECKS: readonly (readonly [string, string[]])[] = [
  ['types', ['tsc', '-p', '.']],
  ['lint', ['oxlint', '--type-aware', '--deny-warnings', '.']],
  ['format', ['oxfmt', '--check', '.']],
  ['dead code', ['knip']],
]

/** Runs every check and every test of the tree, or one full series. */
export const test: Command = {
  usage: `./angelos test [FILTER …]
./angelos test --full NAME [--seed N] [--from N] [--seeds COUNT]
                  [--events COUNT]

  Types, lint, format, dead code, then the unit, contract and end-to-end tests. A filter runs only
  the test files whose path holds it, and no other checks. --full runs one whole seeded series, of
  which a plain run only samples: business-kills, garbage, ingest-kills, kill, memory, mutants,
  orders, orders-postgres, power-loss, rebuild-kills, simulator, soak, space-kills, token-kills,
  token-model, token-mutants, token-simulator. It can be taken up again with --from; --seeds is for
  those that run seed after seed, --events for memory.`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        full: { type: 'string' },
        seed: { type: 'string', default: '1' },
        from: { type: 'string', default: '0' },
        seeds: { type: 'string', default: '0' },
        events: { type: 'string', default: '0' },
      },
    })
    if (values.full !== undefined) {
      const { fullSeries } = await import('../../test/full-series.ts')
      const series = fullSeries[values.full]
      if (!series)
        throw new UsageError(`There is ${Object.keys(fullSeries).join(', ')}, not ${values.full}.`)
      const report = (line: string) => void process.stdout.write(`${line}\n`)
      const given = [values.seed, values.from, values.seeds, values.events]
      const [seed, from, seeds, events] = given.map(Number)
      await series({ seed: seed!, from: from!, seeds: seeds!, events: events!, report })
      return 0
    }
    return positionals.length > 0 ? runTests(positionals) : runAll()
  },
}

/** Cheap checks first; a failed one still lets the others speak, and fails the whole. */
async function runAll(): Promise<number> {
  const failed: string[] = []
  for (const [name, [tool = '', ...rest]] of CHECKS) {
    if ((await run(tool, rest)) !== 0) failed.push(name)
  }
  if (failed.length > 0) process.stdout.write(`failed checks: ${failed.join(', ')}\n`)
  const code = await runTests([])
  return failed.length > 0 ? 1 : code
}

/** Runs the tests and ends with one line that says how many passed and failed. */
async function runTests(filters: readonly string[]): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'angelos-tests-'))
  const file = join(folder, 'result.json')
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
    const code = await run('vitest', ['run', ...reporters, ...filters])
    const counts = await readCounts(file)
    // An error outside of all tests is none of theirs, and fails the whole.
    if (code !== 0 && counts.failed === 0) counts.failed = 1
    await sayLeftOut(filters)
    process.stdout.write(`tests: ${counts.passed} passed, ${counts.failed} failed\n`)
    return code === 0 && counts.failed > 0 ? 1 : code
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const BROWSER_TEST = 'test/end-to-end/light-client-browser.test.ts'

/** A test that needs what this machine has not is left out, and that is said. */
async function sayLeftOut(filters: readonly string[]): Promise<void> {
  const isAsked = filters.length === 0 || filters.some((filter) => BROWSER_TEST.includes(filter))
  if (!isAsked) return
  const { findBrowser } = await import('../../test/find-browser.ts')
  if ((await findBrowser()) !== undefined) return
  process.stdout.write(`no browser was found: ${BROWSER_TEST} was left out, which proves token `)
  process.stdout.write('transfers in one; apt-get install -y chromium brings one\n')
}

type Report = { numPassedTests: number; numFailedTests: number; numFailedTestSuites: number }

/** A test file that could not even load counts as one failed test. */
async function readCounts(file: string): Promise<{ passed: number; failed: number }> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return { passed: 0, failed: 1 }
  const report = JSON.parse(text) as Report
  const failed = report.numFailedTests || (report.numFailedTestSuites > 0 ? 1 : 0)
  return { passed: report.numPassedTests, failed }
}

function run(tool: string, args: readonly string[]): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const bin = new URL(`../../node_modules/.bin/${tool}`, import.meta.url).pathname
  const child = spawn(bin, args, { stdio: 'inherit' })
  child.once('error', reject)
  child.once('exit', (code, signal) => resolve(signal ? 1 : (code ?? 1)))
  return promise
}

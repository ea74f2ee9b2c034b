import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { collections } from '../src/appview/collections/index.ts'

const LINES_MAX = 300
const LINE_MAX = 100
const NAMES_BANNED = /^(util|utils|helpers|common|misc|types|manager|service)\.ts$/

/** What all rooms of permissioned repos share: names of the wire, uris, and their ports. */
const SPACES_SHARED = ['audience', 'ports', 'sink', 'space-ref', 'wire'].map(
  (name) => `src/permissioned/${name}.ts`,
)

/** What whoever keeps things and asks others needs. */
const REACHING = ['src/crypto', 'src/database', 'src/identity', 'src/outbound']

/** Who may import whom, beside packages, the own folder, and what every folder may (`FREE`). Data
 *  flows from left to right: pds, firehose, appview; only the wiring in src/ knows them all. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'src/clock.ts': [],
  'src/bytes': [],
  'src/crypto': [],
  'src/outbound': [],
  'src/database': [],
  'src/pacing': [],
  'src/jobs': ['src/database'],
  'src/mail': [],
  'src/identity': ['src/crypto', 'src/outbound'],
  'src/pds': ['src/crypto', 'src/database/sql.ts'],
  'src/pds/fast': ['src/crypto'],
  'src/firehose': ['src/bytes', 'src/crypto', 'src/identity', 'src/outbound', 'src/pacing'],
  'src/appview/analysis': [],
  'src/appview/booking': ['src/appview/money', 'src/lexicons'],
  'src/appview/business': [
    'src/appview',
    'src/database/pool.ts',
    'src/jobs/jobs.ts',
    'src/permissioned/audience.ts',
  ],
  'src/appview/catalogue': [
    'src/appview',
    'src/jobs/jobs.ts',
    'src/lexicons',
    'src/permissioned/audience.ts',
  ],
  'src/appview/collections': [
    'src/appview/commerce/order-machines.ts',
    'src/appview/define.ts',
    'src/appview/reference.ts',
    'src/permissioned/audience.ts',
    'src/appview/blob.ts',
    'src/appview/images/sizes.ts',
    'src/appview/plain-text.ts',
    'src/appview/slug.ts',
    'src/appview/booking',
    'src/appview/collections/commerce/currency.ts',
    'src/lexicons',
  ],
  'src/appview/collections/tokens': [
    'src/appview/define.ts',
    'src/crypto/native.ts',
    'src/lexicons',
    'src/tokens',
  ],
  'src/appview/commerce': ['src/appview/machine.ts', 'src/appview/money'],
  'src/appview/downloads': ['src/appview', 'src/lexicons'],
  'src/appview/images': ['src/outbound', 'src/lexicons'],
  'src/appview/invoices': [
    'src/appview',
    'src/jobs/jobs.ts',
    'src/lexicons',
    'src/mail/mail.ts',
    'src/permissioned/audience.ts',
  ],
  'src/appview/karma': [
    'src/appview',
    'src/identity/account-birth.ts',
    'src/jobs/jobs.ts',
    'src/lexicons',
  ],
  'src/appview/methods': [
    'src/appview',
    'src/jobs/jobs.ts',
    'src/lexicons',
    'src/mail/mail.ts',
    'src/outbound',
    'src/permissioned/audience.ts',
  ],
  'src/appview/methods/tokens': ['src/appview', 'src/lexicons', 'src/tokens/worth'],
  'src/appview/migrations': [],
  'src/appview/money': [],
  'src/appview/payments': ['src/appview', 'src/jobs/jobs.ts'],
  'src/appview/revenue': ['src/appview', 'src/lexicons', 'src/permissioned/audience.ts'],
  'src/appview/stock': [
    'src/appview',
    'src/jobs/jobs.ts',
    'src/lexicons',
    'src/permissioned/audience.ts',
  ],
  'src/appview/orders': [
    'src/appview',
    'src/jobs/jobs.ts',
    'src/lexicons',
    'src/mail/mail.ts',
    'src/permissioned/audience.ts',
  ],
  'src/appview/tokens': ['src/appview', 'src/crypto/native.ts', 'src/lexicons', 'src/tokens'],
  'src/appview/subscriptions': ['src/appview', 'src/lexicons', 'src/permissioned/audience.ts'],
  'src/appview': [
    'src/appview/analysis',
    'src/appview/booking',
    'src/appview/collections',
    'src/crypto',
    'src/database',
    'src/firehose/event.ts',
    'src/firehose/fetch-record-proof.ts',
    'src/firehose/plan-scope.ts',
    'src/firehose/plan.ts',
    'src/firehose/standing.ts',
    'src/firehose/store.ts',
    'src/identity',
    'src/jobs/jobs.ts',
    'src/lexicons',
    'src/mail/mail.ts',
    'src/outbound',
    'src/permissioned/audience.ts',
    'src/permissioned/sink.ts',
    'src/permissioned/wire.ts',
  ],
  'src/permissioned/migrations': [],
  'src/permissioned/format': [...SPACES_SHARED, 'src/bytes', 'src/crypto'],
  'src/permissioned/tokens': [...SPACES_SHARED, 'src/permissioned/format', 'src/crypto'],
  'src/permissioned/store': [
    ...SPACES_SHARED,
    'src/permissioned/format',
    'src/permissioned/lexicons',
    'src/crypto',
    'src/database',
  ],
  'src/permissioned/host': ['src/permissioned', ...REACHING],
  'src/permissioned/sync': [
    ...SPACES_SHARED,
    'src/permissioned/format',
    'src/permissioned/tokens',
    ...REACHING,
    'src/pacing',
  ],
  'src/permissioned': ['src/bytes', ...REACHING, 'src/pacing'],
  'src/telemetry': ['src/firehose'],
  'src/tokens': ['src/appview/money/floor-share.ts'],
  'src/tokens/worth': ['src/tokens'],
  'src/exchange': [
    'src/outbound',
    'src/tokens',
    'src/validator/ask-peer.ts',
    'src/validator/certify-transfer.ts',
  ],
  'src/rebuild': [
    'src/appview',
    'src/database',
    'src/firehose',
    'src/identity',
    'src/outbound',
    'src/permissioned',
  ],
  'src/validator/migrations': [],
  'src/validator': [
    'src/crypto',
    'src/database',
    'src/firehose/proof.ts',
    'src/identity',
    'src/lexicons',
    'src/outbound',
    'src/tokens',
  ],
  'src/commands': ['src', 'test', 'bench'],
  src: ['src'],
}

/** What anybody may use: time, keys of records, the log, and the names of what is counted. */
const FREE = ['src/clock.ts', 'src/events.ts', 'src/log.ts', 'src/tid.ts']

const sources = list('src', '.ts')
  .filter((path) => !path.startsWith('src/lexicons/'))
  .map((path) => ({ path, text: readFileSync(path, 'utf8') }))
const code = sources.filter(({ path }) => !path.endsWith('.test.ts'))
const texts = [
  ...sources,
  ...['test', 'bench'].flatMap((folder) =>
    list(folder, '.ts').map((path) => ({ path, text: readFileSync(path, 'utf8') })),
  ),
]

describe.each(texts)('$path', ({ path, text }) => {
  test('is short, in lines that fit a screen', () => {
    const lines = text.split('\n')
    expect(lines.length).toBeLessThanOrEqual(LINES_MAX)
    const unbreakable = /https?:\/\/|['`][^'`]{60,}['`]/
    const long = lines.filter((line) => line.length > LINE_MAX && !unbreakable.test(line))
    expect(long).toEqual([])
  })

  test('has a name that says what it is for', () => {
    const name = path.split('/').at(-1)!
    expect(name).not.toMatch(NAMES_BANNED)
    expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*\.ts$/)
  })

  test('leaves nothing for later and exports nothing nameless', () => {
    expect(text).not.toMatch(/\bFIXME\b|\bXXX\b|\bTODO\b(?<!@TODO)/)
    expect(text.replaceAll(/'[^']*'/g, '')).not.toMatch(/^export default/m)
    expect(text).not.toMatch(/^export \* from/m)
  })
})

describe.each(code)('$path', ({ path, text }) => {
  test('reads the environment only in config.ts', () => {
    if (path !== 'src/config.ts') expect(text).not.toMatch(/process\.env/)
  })

  test('takes the time from a clock that was handed in', () => {
    if (path !== 'src/clock.ts') expect(text).not.toMatch(/\bDate\.now\(\)|new Date\(\)/)
  })

  test('spells no NSID of ours by hand', () => {
    const spoken = text.replaceAll(/^\s*(\/\/|\*|\/\*\*).*$/gm, '')
    const allowed = spoken.replaceAll(/'\/xrpc\/co\.kendev\.'|'co\.kendev\.'/g, '')
    // The ledger also runs where there are no lexicons; what it names has to be one of them.
    if (path.startsWith('src/tokens/')) expect(unknownNames(allowed)).toEqual([])
    else expect(allowed).not.toMatch(/['"`]co\.kendev\.\w+/)
  })

  test('says above each export what it promises', () => {
    const lines = text.split('\n')
    const silent = lines.filter(
      (line, n) =>
        /^export (async )?(function|class|const|type)\b/.test(line) &&
        !lines[n - 1]?.trimEnd().endsWith('*/') &&
        !/^export (const \w+ = (<[^=]+> ?)?\(|const \w+ = <|type )/.test(line),
    )
    expect(silent).toEqual([])
  })

  test('imports only what its folder may', () => {
    for (const [, target] of text.matchAll(/from '(\.[^']+)'/g)) {
      const to = relative('.', join(dirname(path), target!))
      const allowed = [...FREE, dirname(path), ...mayImport(path)]
      expect(
        allowed.some((a) => to === a || to.startsWith(`${a}/`)),
        `${path} → ${to}`,
      ).toBe(true)
    }
  })
})

test('every record lexicon of ours has a collection, and every collection a lexicon', () => {
  const records = list('lexicons', '.json')
    .map((path) => JSON.parse(readFileSync(path, 'utf8')) as Lexicon)
    .filter((doc) => doc.defs.main?.type === 'record')
  expect(collections.map((c) => c.nsid).toSorted()).toEqual(records.map((d) => d.id).toSorted())
})

type Lexicon = { id: string; defs: { main?: { type: string } } }

/** The rule of the nearest folder that has one. */
function mayImport(path: string): readonly string[] {
  for (let at = path; at !== '.'; at = dirname(at)) {
    const rule = MAY_IMPORT[at]
    if (rule) return rule
  }
  return []
}

function list(root: string, suffix: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(suffix) && !name.includes('node_modules'))
    .map((name) => `${root}/${name}`)
}

/** NSIDs in a text, fragment and all, that no lexicon defines. */
function unknownNames(text: string): string[] {
  const named = text.matchAll(/['"`](co\.kendev\.\w+)\.(\w+)(?:#(\w+))?/g)
  return [...named].flatMap(([whole, group, name, part = 'main']) => {
    const path = `lexicons/${group}/${name}.json`
    if (!existsSync(path)) return [whole]
    const { defs } = JSON.parse(readFileSync(path, 'utf8')) as { defs: Record<string, unknown> }
    return defs[part] === undefined ? [whole] : []
  })
}

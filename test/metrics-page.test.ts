import { readFileSync, readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type Declaration, declarations, metricName } from '../src/events.ts'

const page = readFileSync('docs/metrics.md', 'utf8')
const declared = Object.entries<Declaration>(declarations).map(([name, declaration]) => ({
  ...declaration,
  metric: metricName(name as never),
}))

test('the page for operators has a row for each metric, with its labels and its meaning', () => {
  const rows = [...page.matchAll(/^\| `((?:angelos|process)_\w+)`(.*)\|$/gm)]
  const told = rows.map(([, name, rest]) => [
    name,
    ...rest!
      .split('|')
      .slice(1)
      .map((c) => c.trim()),
  ])
  expect(told).toEqual(
    declared.map(({ metric, kind, labels, help }) => {
      const said = Object.entries(labels).map(([label, values]) => `\`${label}\`: ${values}`)
      return [metric, kind, said.join('; '), help]
    }),
  )
})

const files = readdirSync('docs')
  .filter((name) => /^(metrics|operators)\.md$|\.json$/.test(name))
  .map((name) => `docs/${name}`)

test.each(files)('%s names only metrics that there are', (path) => {
  const text = readFileSync(path, 'utf8')
  const known = new Set(
    declared.flatMap(({ metric, kind }) =>
      kind === 'histogram'
        ? ['', '_bucket', '_sum', '_count'].map((suffix) => metric + suffix)
        : [metric],
    ),
  )
  const named = text.match(/\b(?:angelos|process)_[a-z_]+/g) ?? []
  expect(named.filter((name) => !known.has(name))).toEqual([])
})

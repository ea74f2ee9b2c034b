import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { envExample } from '../src/config.ts'

const pages = ['.', 'docs'].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
)
const settings = new Set(namesIn(envExample()))
const read = (path: string) => readFileSync(path, 'utf8')

describe.each([...pages, 'docker-compose.yml', 'Caddyfile', 'Dockerfile'])('%s', (path) => {
  test('names only settings that the node has', () => {
    expect(namesIn(read(path)).filter((name) => !settings.has(name))).toEqual([])
  })
})

describe.each(pages)('%s', (path) => {
  test('links only to what is there', () => {
    const links = [...read(path).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!)
    const local = links.filter((target) => !/^https?:/.test(target))
    expect(local.filter((target) => !leads(path, target))).toEqual([])
  })
})

test('the page for developers has each method with its required parameters, and no other', () => {
  const rows = [...read('docs/developers.md').matchAll(/^\| `(\w+\.\w+)`\s*\|([^|]*)\|/gm)]
  const told = rows.map(([, name, parameters]) => ({ id: `co.kendev.${name}`, parameters }))
  expect(told.map(({ id }) => id)).toEqual([...methods.keys()].toSorted())
  const unsaid = told.flatMap(({ id, parameters = '' }) =>
    requiredOf(methods.get(id)!).flatMap((name) =>
      parameters.includes(`**${name}**`) ? [] : `${id} ${name}`,
    ),
  )
  expect(unsaid).toEqual([])
})

test('the image says whether its node is healthy, and does not run it as root', () => {
  const steps = read('Dockerfile').replaceAll('\\\n', ' ').split('\n')
  expect(steps.find((step) => step.startsWith('HEALTHCHECK'))).toContain('/xrpc/_health')
  const command = steps.findLastIndex((step) => step.startsWith('CMD'))
  const user = steps.findLastIndex((step) => step.startsWith('USER'))
  expect(user).toBeGreaterThan(steps.findLastIndex((step) => step.startsWith('FROM')))
  expect(user).toBeLessThan(command)
  expect(steps[user]).not.toMatch(/root|\b0\b/)
})

type Method = {
  type: string
  parameters?: { required?: string[] }
  input?: { schema?: { required?: string[] } }
}
type Lexicon = { id: string; defs: { main?: Method } }

const methods = new Map(
  readdirSync('lexicons', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.startsWith('co.kendev') && name.endsWith('.json'))
    .map((name) => JSON.parse(read(join('lexicons', name))) as Lexicon)
    .filter(({ defs }) => /^(query|procedure|subscription)$/.test(defs.main?.type ?? ''))
    .map(({ id, defs }) => [id, defs.main!]),
)

function requiredOf({ parameters, input }: Method): string[] {
  return [...(parameters?.required ?? []), ...(input?.schema?.required ?? [])]
}

function namesIn(text: string): string[] {
  return text.match(/\bANGELOS_[A-Z0-9_]+\b/g) ?? []
}

/** Whether the file of a relative link is there and, with a fragment, has that heading. */
function leads(from: string, target: string): boolean {
  const [path = '', fragment] = target.split('#')
  const file = path === '' ? from : join(dirname(from), path)
  if (!existsSync(file)) return false
  if (fragment === undefined) return true
  const headings = [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, title]) => slugOf(title!))
  return headings.includes(fragment)
}

/** The fragment that a forge gives a heading. */
function slugOf(title: string): string {
  const plain = title.toLowerCase().replaceAll(/[^\w\s-]/g, '')
  return plain.trim().replaceAll(/\s/g, '-')
}

import { expect, test } from 'vitest'
import { collections } from '../src/appview/collections/index.ts'
import { hasField } from './accounting/lexicon-path.ts'
import { collectionsPage, productTables } from './accounting/product-fields.ts'

const tables = productTables()
const accounts = tables.flatMap(({ id, accounts: all }) =>
  Object.entries(all).map(([name, account]) => ({ at: `${id} ${name}`, account })),
)

/** How many fields wait for records or figures that do not exist yet. It only shrinks. */
const WAITING = 0

test('every field of the product document is accounted for, or waits on the list', () => {
  for (const { id, fields, accounts: all, later } of tables) {
    const known = fields.map(([, name]) => name)
    expect([...Object.keys(all), ...later].toSorted(), id).toEqual(known.toSorted())
  }
})

test(`exactly ${WAITING} fields wait`, () => {
  const waiting = tables.flatMap(({ id, later }) => later.map((name) => `${id} ${name}`))
  console.info(`Waiting for their records:\n${waiting.join('\n')}`)
  expect(waiting).toHaveLength(WAITING)
})

test('what carries a field is a field of a record that this node indexes', () => {
  const indexed = new Set(collections.map(({ nsid }) => nsid))
  const lost = accounts.filter(
    ({ account }) =>
      'record' in account &&
      !(indexed.has(account.record) && hasField(`${account.record}#main`, account.field)),
  )
  expect(lost).toEqual([])
})

test('what shows a computed field is a field of a view, and its rule has an id', () => {
  const lost = accounts.filter(({ account }) => {
    if (!('rule' in account)) return false
    const [definition = '', ...path] = (account.view ?? '').split(/(?<=#\w+)\./)
    const shown = account.view === undefined || hasField(definition, path.join('.'))
    return !shown || !/^(AC|D|N|R|SM)-\d{2,3}\b/.test(account.rule)
  })
  expect(lost).toEqual([])
})

test('a reason why there is no field says one', () => {
  const silent = accounts.filter(({ account }) => 'none' in account && account.none.length < 10)
  expect(silent).toEqual([])
})

test('a path that is not in a lexicon is found out', () => {
  const { $type } = collections.find(({ table }) => table === 'space')!.schema
  expect(hasField(`${$type}#main`, 'businessIdentity.type')).toBe(true)
  expect(hasField(`${$type}#main`, 'monetization.subscriptionTiers[].contentAccess')).toBe(true)
  for (const path of ['businessIdentity.typ', 'name.type', 'monetization.subscriptionTiers.name'])
    expect(hasField(`${$type}#main`, path), path).toBe(false)
})

test('docs/collections.md says what the files beside the collections say', async () => {
  await expect(collectionsPage(tables)).toMatchFileSnapshot('../docs/collections.md')
})

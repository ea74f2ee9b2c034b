import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type ToldFrame, listen } from '../frames.ts'
import { type Garage, type Ref, foundGarage, messageIn } from '../garage.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { type Person, createPerson } from '../person.ts'

const SPACES = 'co.kendev.spaces'

const parts = new AsyncDisposableStack()
let node: TestNode
let ada: Person
let ben: Person
let garage: Garage
let spaces = 0

beforeAll(async () => {
  const network = parts.use(await startNetwork())
  node = network.nodes[0]!
  ada = await createPerson(node.url, `ada${node.handleDomain}`)
  ben = await createPerson(node.url, `ben${node.handleDomain}`)
})
beforeEach(async () => {
  spaces += 1
  garage = await foundGarage(node.url, ada, `Garage ${spaces}`)
})
afterAll(() => parts.disposeAsync())

const say = (text: string, who = ada) =>
  who.call<Ref>(`${SPACES}.sendMessage`, { space: garage.did, text })

/** What was told, in a word each: the kind and the text of a message or the uri of what is gone. */
function words(told: readonly ToldFrame[]): string[] {
  return told.map(({ kind, message, uri }) => {
    const text = (message as { text?: string } | undefined)?.text
    return `${kind} ${text ?? (uri as string | undefined) ?? ''}`.trim()
  })
}

const hear = (params: Record<string, string | number> = {}) =>
  listen(node.url, { space: garage.did, ...params })

/** Connects and waits until what is said is heard, so that nothing said later can be missed. */
async function hearNow() {
  const live = await hear()
  await expect
    .poll(async () => {
      const { uri } = await say('hello?')
      await ada.call(`${SPACES}.deleteMessage`, { uri })
      return live.told.length
    })
    .toBeGreaterThan(0)
  await expect.poll(() => live.told.at(-1)?.kind).toBe('#deleted')
  return live
}

test('without a cursor only what is new is told', async () => {
  await say('before')
  await using live = await hearNow()
  const from = live.told.length
  const { uri } = await say('after')
  await ada.call(`${SPACES}.deleteMessage`, { uri })
  await expect
    .poll(() => words(live.told).slice(from))
    .toEqual(['#created after', `#deleted ${uri}`])
  expect(words(live.told)).not.toContain('#created before')
})

test('with a cursor the stream goes on exactly after it', async () => {
  for (const text of ['one', 'two', 'three']) await say(text)
  await using all = await hear({ cursor: 0 })
  const messages = () => all.told.filter(({ message }) => message !== undefined)
  await expect
    .poll(() => words(messages()))
    .toEqual(['#created one', '#created two', '#created three'])
  const seqs = all.told.map(({ seq }) => Number(seq))
  expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b))
  for (const seq of seqs) {
    await using rest = await hear({ cursor: seq })
    await say(`after ${seq}`)
    await expect.poll(() => words(rest.told).at(-1)).toBe(`#created after ${seq}`)
    await expect.poll(() => all.told.slice(seqs.indexOf(seq) + 1)).toEqual(rest.told)
  }
})

test('what was created and deleted since the cursor is told as deleted', async () => {
  const { uri } = await say('gone before you came')
  await ada.call(`${SPACES}.deleteMessage`, { uri })
  await using all = await hear({ cursor: 0 })
  await say('still here')
  await expect.poll(() => words(all.told)).toContain('#created still here')
  expect(words(all.told)).not.toContain('#created gone before you came')
  expect(words(all.told)).toContain(`#deleted ${uri}`)
})

test('a cursor ahead of all events is refused by name, and the connection closed', async () => {
  await using future = await hear({ cursor: 1_000_000 })
  await future.closed
  expect(future.told).toMatchObject([{ kind: 'error', error: 'FutureCursor' }])
})

test('a space that is not known is refused by name, and the connection closed', async () => {
  await using nowhere = await listen(node.url, { space: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' })
  await nowhere.closed
  expect(nowhere.told).toMatchObject([{ kind: 'error', error: 'NotFound' }])
})

test('parameters that break the lexicon are refused, and the node goes on', async () => {
  const wrong: Record<string, string>[] = [
    { space: 'nobody' },
    { space: garage.did, cursor: 'yesterday' },
  ]
  for (const params of wrong) {
    await using refused = await listen(node.url, params)
    await refused.closed
    expect(refused.told).toMatchObject([{ kind: 'error', error: 'InvalidRequest' }])
  }
  expect((await say('all is well')).uri).toBeTypeOf('string')
})

test('everybody who listens hears the same, and nothing of other spaces', async () => {
  await using first = await hear({ cursor: 0 })
  await using second = await hear({ cursor: 0 })
  const elsewhere = await foundGarage(node.url, ada, `Elsewhere ${spaces}`)
  await ada.call(`${SPACES}.sendMessage`, { space: elsewhere.did, text: 'not for you' })
  const { uri, cid } = await say('for both')
  const subject = { uri, cid }
  await ada.call(`${SPACES}.addReaction`, { space: garage.did, subject, emoji: '🔧' })
  await expect.poll(() => second.told.at(-1)).toMatchObject({ kind: '#reaction', emoji: '🔧' })
  await expect.poll(() => first.told).toEqual(second.told)
  expect(words(first.told)).toContain('#created for both')
  expect(words(first.told)).not.toContain('#created not for you')
})

test('what is written before its author is a member is told once they are admitted', async () => {
  await using live = await hearNow()
  const from = live.told.length
  await ben.create(`${SPACES}.message`, messageIn(garage, 'let me in'))
  await say('a member speaks')
  await expect.poll(() => words(live.told)).toContain('#created a member speaks')
  expect(words(live.told)).not.toContain('#created let me in')
  await ben.call(`${SPACES}.join`, { space: garage.did })
  await expect
    .poll(() => words(live.told).slice(from))
    .toEqual(['#created a member speaks', '#created let me in'])
})

test('an edit is told as an update with the new text', async () => {
  await using live = await hearNow()
  const record = messageIn(garage, 'frist')
  const { uri } = await ada.create(`${SPACES}.message`, record)
  await expect.poll(() => words(live.told)).toContain('#created frist')
  await ada.put(uri, { ...record, text: 'first' })
  await expect.poll(() => words(live.told).at(-1)).toBe('#updated first')
})

import { startNetwork } from '../test/network.ts'
import { CallError, type Person, createPerson } from '../test/person.ts'
import { median, orderOf } from './paired.ts'
import type { Figure } from './result.ts'

const SPACES = 'co.kendev.spaces'
const NOWHERE = 'did:plc:zzzzzzzzzzzzzzzzzzzzzzzz'

/** How long a stranger waits for "there is no such thing": where there is none, and where there is
 *  one for others. Time must not tell what the answer keeps to itself. */
export async function benchAnswers(
  report: (line: string) => void,
  calls: number,
): Promise<Figure[]> {
  await using network = await startNetwork(1, { ANGELOS_RATE_LIMITS: 'false' })
  const node = network.nodes[0]!
  const ada = await createPerson(node.url, 'ada.node1.test')
  const eve = await createPerson(node.url, 'eve.node1.test')
  const founded = { name: 'Back Room', visibility: 'private' }
  const { did: space } = await ada.call<{ did: string }>(`${SPACES}.createSpace`, founded)
  const sent = { space, text: 'The key is under the mat.' }
  const { uri } = await ada.call<{ uri: string }>(`${SPACES}.sendMessage`, sent)
  const { items } = await ada.get<{ items: { uri: string }[] }>(`${SPACES}.listChannels`, { space })
  const channel = items[0]!.uri
  const figures: Figure[] = []
  const asked: [string, Record<string, string>, Record<string, string>][] = [
    ['getMessage', { uri }, { uri: uri.replaceAll(space, NOWHERE) }],
    ['getChannel', { uri: channel }, { uri: channel.replaceAll(space, NOWHERE) }],
    ['getSpace', { space }, { space: NOWHERE }],
    ['listMessages', { space }, { space: NOWHERE }],
  ]
  for (const [method, theirs, nobodys] of asked) {
    const times = { theirs: [] as number[], nobodys: [] as number[] }
    const params = { theirs, nobodys }
    for (let n = -20; n < calls; n++)
      for (const side of orderOf(['theirs', 'nobodys'] as const, n)) {
        const ms = await timed(eve, `${SPACES}.${method}`, params[side])
        if (n >= 0) times[side].push(ms)
      }
    const [ours, reference] = [median(times.theirs), median(times.nobodys)]
    const ratio = Number((ours / reference).toFixed(3))
    report(`${method}: not yours ${ours.toFixed(2)} ms, not there ${reference.toFixed(2)} ms`)
    const bench = `${method}: not yours against not there`
    figures.push({ bench, goal: null, ours, reference, ratio, unit: 'ms' })
  }
  return figures
}

async function timed(who: Person, nsid: string, params: Record<string, string>): Promise<number> {
  const begun = performance.now()
  await who.get(nsid, params).catch((error: unknown) => {
    if (!(error instanceof CallError && error.error === 'NotFound')) throw error
  })
  return performance.now() - begun
}

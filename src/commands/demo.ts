import { parseArgs } from 'node:util'
import type { Command } from './command.ts'

/** Plays the story of two nodes and prints what happened. */
export const demo: Command = {
  usage: `./angelos demo

  Starts a PLC directory and two nodes in temporary folders, lets Ada and Ben meet in a space, kills
  one node in the middle, sets up a salon with a manager on the other node and a domain of its own,
  has Ben book and buy from a shop whose books agree to the cent. Then four nodes make what Ada pays
  Ben final, also when one is killed or lies, and not while two are silent. Everything is removed
  again.
  Needs no settings and touches no data.`,
  async run(args) {
    parseArgs({ args: [...args], options: {}, strict: true })
    const { playStory } = await import('../../test/end-to-end/story.ts')
    const { playShopStory } = await import('../../test/end-to-end/shop-story.ts')
    const { playTokenStory } = await import('../../test/end-to-end/token-story.ts')
    const print = (line: string) => void process.stdout.write(`${line}\n`)
    await playStory(print)
    const printPart = (line: string) => print(`        ${line}`)
    await playShopStory(printPart)
    await playTokenStory(printPart)
    return 0
  },
}

import { parseArgs } from 'node:util'
import type { Command } from './command.ts'

/** Plays the story of two nodes and prints what happened. */
export const demo: Command = {
  name: 'demo',
  summary: 'play the stories of a space and of a salon on two fresh nodes and print them',
  usage: `./angelos demo

  Starts a PLC directory and two nodes in temporary folders, lets Ada and Ben meet in a space, kills
  one node in the middle, sets up a salon with a manager on the other node and a domain of its own,
  and removes everything again. Needs no settings and touches no data.`,
  async run(args) {
    parseArgs({ args: [...args], options: {}, strict: true })
    const { playStory } = await import('../../test/end-to-end/story.ts')
    await playStory((line) => void process.stdout.write(`${line}\n`))
    return 0
  },
}

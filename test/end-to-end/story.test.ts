import { test } from 'vitest'
import { playStory } from './story.ts'

test('two nodes, a space, a kill in the middle, and nobody misses or repeats a message', async () => {
  await playStory(() => {})
}, 180_000)

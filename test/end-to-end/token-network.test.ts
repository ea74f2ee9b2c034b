import { expect, test } from 'vitest'
import { playTokenStory } from './token-story.ts'

test('four nodes make a payment final: with one killed, with one that lies, and not with two silent', async () => {
  const told: string[] = []
  await playTokenStory((line) => void told.push(line))
  expect(told.at(-1)).toContain('it is final; Ben has 5 AT on every node')
}, 400_000)

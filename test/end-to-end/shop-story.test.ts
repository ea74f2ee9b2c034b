import { expect, test, vi } from 'vitest'
import { rebuild } from '../../src/commands/rebuild.ts'
import { runHere } from '../run-here.ts'
import { playShopStory } from './shop-story.ts'

test('a shop is booked and bought from by somebody of another node, and its books agree to the cent', async () => {
  const told: string[] = []
  await playShopStory(
    (line) => void told.push(line),
    async (home) => {
      vi.stubEnv('ANGELOS_DATA_DIR', home.dataDir)
      vi.stubEnv('ANGELOS_PORT', new URL(home.url).port)
      vi.stubEnv('ANGELOS_NAME', 'node1')
      vi.stubEnv('ANGELOS_PLC_URL', home.plcUrl)
      const compared = await runHere(rebuild, ['--verify'])
      vi.unstubAllEnvs()
      expect(compared, compared.stdout).toMatchObject({ code: 0 })
    },
  )
  expect(told.at(-1)).toContain('ledger, revenue and commission agree')
}, 180_000)

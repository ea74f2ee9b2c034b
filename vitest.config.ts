import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // On every core: Vitest would leave one out, which is half of two.
    maxWorkers: '100%',
    globalSetup: ['test/database/run-server.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Tests of whole nodes share two cores; who waits for something waits for it to happen.
    expect: { poll: { timeout: 10_000 } },
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['src/**/*.test.ts', 'bench/**/*.test.ts'] },
      },
      {
        extends: true,
        test: { name: 'whole', include: ['test/**/*.test.ts'], exclude: ['test/end-to-end/**'] },
      },
      {
        extends: true,
        test: {
          name: 'end-to-end',
          include: ['test/end-to-end/**/*.test.ts'],
          fileParallelism: false,
        },
      },
    ],
  },
})

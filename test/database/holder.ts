import { startEmbedded } from '../../src/database/embedded.ts'
import { silentLog } from '../../src/log.ts'

// A process that holds the embedded database of the folder it is given until its input ends. Like
// a node it decides itself what Ctrl-C means: nothing here.
process.on('SIGINT', () => {})
const server = await startEmbedded({ dataDir: process.argv[2] ?? '', log: silentLog })
process.stdout.write(`${JSON.stringify({ url: server.url, adopted: server.adopted })}\n`)
for await (const _ of process.stdin) {
  // Only the end of the input counts.
}
await server.stop()

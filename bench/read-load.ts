import http from 'node:http'

/** What one turn of reading came to. */
export type ReadSlot = { perSecond: number; latencies: number[] }

/** Reads one path after another over `clients` kept connections, for `seconds`. Throws on any
 *  answer but 200. */
export async function readFor(options: {
  origin: string
  path: (n: number) => string
  token?: string
  clients: number
  seconds: number
}): Promise<ReadSlot> {
  const { origin, path, token, clients, seconds } = options
  const agent = new http.Agent({ keepAlive: true, maxSockets: clients })
  const base = new URL(origin)
  let next = 0
  const headers: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}` }
  const latencies: number[] = []
  const begun = performance.now()
  const until = begun + seconds * 1000
  const client = async () => {
    while (performance.now() < until) {
      const sent = performance.now()
      await readOnce({ agent, base, path: path(next++), headers })
      latencies.push(performance.now() - sent)
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  const tookMs = performance.now() - begun
  agent.destroy()
  return { perSecond: (latencies.length / tookMs) * 1000, latencies }
}

function readOnce(request: {
  agent: http.Agent
  base: URL
  path: string
  headers: Record<string, string>
}): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const { agent, headers, base, path } = request
  const { hostname, port } = base
  const sent = http.get({ hostname, port, path, agent, headers }, (response) => {
    if (response.statusCode !== 200) reject(new Error(`${path}: ${response.statusCode}`))
    response.resume()
    response.on('end', resolve)
  })
  sent.on('error', reject)
  return promise
}

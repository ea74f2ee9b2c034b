import pg from 'pg'

/** How clients reach the embedded server on this machine. */
export function databaseUrl(port: number, password: string): string {
  return `postgres://postgres:${password}@127.0.0.1:${port}/postgres`
}

/**
 * Whether the server behind `url` answers and works in the folder `data`. Throws when it answers
 * but refuses the password or works elsewhere; anything else may still change.
 */
export async function isReady(url: string, data: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ folder: string }>(
      "select current_setting('data_directory') as folder",
    )
    const folder = rows[0]?.folder
    if (folder !== data) throw new WrongServer(`it works in ${folder}, not in ${data}`)
    return true
  } catch (error) {
    if (error instanceof WrongServer) throw error
    const code = error instanceof pg.DatabaseError ? error.code : undefined
    // Out of connections is an answer too.
    if (code === '53300') return true
    if (code === '28P01') {
      throw new WrongServer(`the server on ${data} does not take the recorded password`)
    }
    return false
  } finally {
    await client.end().catch(() => {})
  }
}

class WrongServer extends Error {
  override name = 'WrongServer'
}

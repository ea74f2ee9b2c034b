import { parentPort } from 'node:worker_threads'
import SqliteDatabase from 'better-sqlite3'

export type CheckpointRequest = { file: string } | { close: true }
export type CheckpointReply = { file: string; error?: string }

const WAIT_MS = 1000

parentPort?.on('message', (request: CheckpointRequest) => {
  if ('close' in request) {
    parentPort?.close()
    return
  }
  const error = checkpoint(request.file)
  const reply: CheckpointReply = { file: request.file, ...(error !== undefined && { error }) }
  parentPort?.postMessage(reply)
})

/** Opened each time: a connection that is kept would go on with a file deleted meanwhile. */
function checkpoint(file: string): string | undefined {
  try {
    const connection = new SqliteDatabase(file, { timeout: WAIT_MS, fileMustExist: true })
    try {
      // PASSIVE takes what it can without making a reader or a writer wait.
      connection.pragma('wal_checkpoint(PASSIVE)')
    } finally {
      connection.close()
    }
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

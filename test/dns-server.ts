import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

const HEADER_BYTES = 12
const TXT = 16
const ANSWER_WITH = 0x84_00
const NO_SUCH_NAME = 0x84_03
/** Points back to the name in the question (RFC 1035 §4.1.4). */
const SAME_NAME = 0xc0_0c

/** A DNS server on loopback that knows TXT records only: those set here. */
export async function startDnsServer(): Promise<
  AsyncDisposable & { readonly address: string; set(name: string, ...texts: string[]): void }
> {
  const records = new Map<string, readonly string[]>()
  const socket = createSocket('udp4')
  socket.on('message', (question, { port, address }) => {
    socket.send(answerTo(question, records), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${(socket.address() as AddressInfo).port}`,
    set: (name, ...texts) => void records.set(name, texts),
    [Symbol.asyncDispose]: async () => {
      socket.close()
      await once(socket, 'close')
    },
  }
}

/** One question, its answer or that there is no such name (RFC 1035 §4.1). */
function answerTo(question: Buffer, records: ReadonlyMap<string, readonly string[]>): Buffer {
  const labels: string[] = []
  let at = HEADER_BYTES
  while (question[at] !== 0) {
    const length = question[at]!
    labels.push(question.subarray(at + 1, at + 1 + length).toString('latin1'))
    at += 1 + length
  }
  const asked = question.subarray(HEADER_BYTES, at + 5)
  const texts = records.get(labels.join('.').toLowerCase()) ?? []
  const header = Buffer.alloc(HEADER_BYTES)
  question.copy(header, 0, 0, 2)
  header.writeUInt16BE(texts.length === 0 ? NO_SUCH_NAME : ANSWER_WITH, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(texts.length, 6)
  return Buffer.concat([header, asked, ...texts.map(recordOf)])
}

function recordOf(text: string): Buffer {
  const said = Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'latin1')])
  const record = Buffer.alloc(12)
  record.writeUInt16BE(SAME_NAME, 0)
  record.writeUInt16BE(TXT, 2)
  record.writeUInt16BE(1, 4)
  record.writeUInt16BE(said.length, 10)
  return Buffer.concat([record, said])
}

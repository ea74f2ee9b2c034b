import { request } from 'node:http'
import { text } from 'node:stream/consumers'

/** What a node answers under another name than its own. `fetch` would not let one choose the
 *  name. */
export async function askHost(
  url: string,
  host: string,
  path = '/',
): Promise<{ status: number; body: string }> {
  const sent = request(new URL(path, url), { headers: { host } })
  const answered = new Promise<{ status: number; body: string }>((resolve, reject) => {
    sent.once('error', reject)
    sent.once('response', (response) => {
      text(response).then((body) => resolve({ status: response.statusCode!, body }), reject)
    })
  })
  sent.end()
  return answered
}

import type http from 'node:http'

const PATH = /^\/xrpc\/com\.atproto\.server\.describeServer(\?|$)/

type Json = { json(body: unknown): unknown }

/** Has the PDS's description of itself say that permissioned repos are served here, by which
 *  clients know a host of the alpha. Other requests are left as they are. */
export function announceSpaces(
  request: http.IncomingMessage,
  response: http.ServerResponse & Partial<Json>,
): void {
  if (!PATH.test(request.url ?? '')) return
  // Express puts its own methods on the prototype, each app anew; what is set here stays.
  response.json = function (body) {
    const inherited = Object.getPrototypeOf(this) as Json
    const described = typeof body === 'object' && body !== null && 'did' in body
    return inherited.json.call(this, described ? { ...body, spacesAlpha: true } : body)
  }
}

import { Client } from '@did-plc/lib'
import { type ForeignPds } from './foreign-pds.ts'
import { type Person, person } from './person.ts'

type Recommended = {
  rotationKeys: string[]
  alsoKnownAs: string[]
  verificationMethods: Record<string, string>
  services: Record<string, { type: string; endpoint: string }>
}

/** Moves an account with its repo, byte by byte, to a node: what is in it is not asked
 *  (atproto.com/guides/account-migration). */
export async function moveAccount(
  mover: Person,
  from: ForeignPds,
  to: { url: string; did: string; plcUrl: string; handle: string },
): Promise<Person> {
  const { did } = mover
  const { handle } = to
  const { token: permit } = await mover.get<{ token: string }>(
    'com.atproto.server.getServiceAuth',
    {
      aud: to.did,
      lxm: 'com.atproto.server.createAccount',
    },
  )
  const account = { did, handle, email: `${handle}@example.com`, password: 'a-long-password' }
  const { accessJwt } = await person(to.url, { did, handle, token: permit }).call<{
    accessJwt: string
  }>('com.atproto.server.createAccount', account)
  const moved = person(to.url, { did, handle, token: accessJwt })

  const repo = await fetch(`${from.url}/xrpc/com.atproto.sync.getRepo?did=${did}`)
  const imported = await fetch(`${to.url}/xrpc/com.atproto.repo.importRepo`, {
    method: 'POST',
    headers: { authorization: `Bearer ${accessJwt}`, 'content-type': 'application/vnd.ipld.car' },
    body: await repo.arrayBuffer(),
  })
  if (!imported.ok) throw new Error(await imported.text())
  const now = await moved.get<Recommended>('com.atproto.identity.getRecommendedDidCredentials')
  await new Client(to.plcUrl).updateData(did, from.rotationKey, (last) => ({ ...last, ...now }))
  await moved.call('com.atproto.server.activateAccount')
  return moved
}

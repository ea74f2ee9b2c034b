import sharp from 'sharp'
import { type Kept, ownRecord } from './write-everything.ts'
import type { Story } from './story.ts'

/** Says a secret where everybody reads it: in a public message with a picture, and in the log. */
export async function plant({ cast, sentinels, logOfNodes, nextTid }: Story) {
  const { people, shop: space } = cast
  const { member } = people
  const text = sentinels.make('', 'planted')
  const picture = await sharp({ create: { width: 9, height: 9, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer()
  const file = await member.upload(Buffer.concat([picture, Buffer.from(text)]), 'image/jpeg')
  const collection = 'co.kendev.spaces.message'
  const at = { collection, rkey: nextTid(), place: '' }
  const value = {
    space,
    text,
    createdAt: new Date().toISOString(),
    attachments: [{ file, alt: 'a red picture' }],
  }
  const { cid } = await ownRecord(member, at, value)
  logOfNodes.info({ text }, 'a line that says too much')
  const kept: Kept = { ...at, author: member.did, cid, value }
  const { $link } = (file as { ref: { $link: string } }).ref
  return { text, kept, blob: { did: member.did, cid: $link, place: '' } }
}

import type { l } from '@atproto/lex'
import { co } from '../../../lexicons/index.ts'
import { collection, did, instant, part, record, text, timestamp } from '../../define.ts'
import { readReference } from '../../reference.ts'

type Permission = co.kendev.spaces.channelPermission.Main

const CHANNEL = '3jzfcijpj2z2a'

/** What one member may do in one channel, whatever the role says (`domain.md` F.5, §6.1). It is for
 *  the staff: who may not see a channel is not to learn from this that it is there, and others need
 *  not know. The node of the space keeps to it; `channel-reach.ts` says how far that goes. */
export const channelPermission = collection({
  record: co.kendev.spaces.channelPermission,
  table: 'channelPermission',
  columns: {
    subject: did(),
    channel: record(),
    access: text(),
    createdAt: timestamp(),
    content: part<Permission>(),
  },
  indexes: [
    ['did', 'createdAt'],
    ['subject', 'channel'],
  ],
  people: ['subject'],
  access: { places: 'permissioned', audience: 'staff' },

  accept({ record: it, rkey }) {
    const channel = readReference(it.channel)
    if (channel?.collection !== co.kendev.spaces.channel.$type) return 'NoChannel'
    return rkey === `${channel.rkey}:${it.subject}` ? undefined : 'KeyIsNotChannelAndSubject'
  },

  row: ({ record: it, claimed }) => ({
    subject: it.subject,
    channel: it.channel,
    access: it.access,
    createdAt: claimed(it.createdAt),
    content: it,
  }),

  view: ({ content, ...row }, look): co.kendev.spaces.defs.ChannelPermissionView => ({
    uri: row.uri,
    cid: row.cid,
    space: row.did,
    subject: row.subject,
    profile: look.person(row.subject),
    channel: content.channel,
    access: row.access,
    createdAt: instant(row.createdAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.spaces.getChannelPermission,
  lists: [
    {
      query: co.kendev.spaces.listChannelPermissions,
      newest: 'createdAt',
      where: { space: 'did', channel: 'channel', member: 'subject' },
    },
  ],
  examples: {
    good: [
      {
        rkey: `${CHANNEL}:did:plc:ben`,
        audience: 'staff',
        record: permit('did:plc:ben', 'channel'),
      },
    ],
    bad: {
      NoChannel: {
        rkey: `${CHANNEL}:did:plc:ben`,
        audience: 'staff',
        record: permit('did:plc:ben', 'message'),
      },
      KeyIsNotChannelAndSubject: {
        rkey: `${CHANNEL}:did:plc:eve`,
        audience: 'staff',
        record: permit('did:plc:ben', 'channel'),
      },
    },
  },
})

function permit(subject: l.DidString, kind: 'channel' | 'message'): Omit<Permission, '$type'> {
  const channel = `at://did:plc:alice/${co.kendev.spaces[kind].$type}/${CHANNEL}`
  return { subject, channel, access: 'none', createdAt: '2026-11-23T10:00:00Z' }
}

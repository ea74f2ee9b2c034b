import { co } from '../../../lexicons/index.ts'
import { collection, instant, part, record as recordColumn, timestamp } from '../../define.ts'
import { keyBesideMessage } from './beside-message.ts'

type Context = co.kendev.spaces.customerContext.Main

const KEY = '3jzfcijpj2z2a'

/** What a customer has told in a conversation (`domain.md` R-29, AC-12). A message is read by all
 *  who read its channel; what it tells of a person beyond its words is for the staff, so it stands
 *  apart, under the key of the conversation's first message. */
export const customerContext = collection({
  record: co.kendev.spaces.customerContext,
  table: 'customerContext',
  columns: { conversation: recordColumn(), createdAt: timestamp(), content: part<Context>() },
  indexes: [['did', 'createdAt']],
  access: { places: 'permissioned', audience: 'staff', manage: 'moderate_content' },

  accept({ record, rkey }) {
    const key = keyBesideMessage(record.conversation)
    if (key === undefined) return 'ConversationIsNoMessage'
    return key === rkey ? undefined : 'KeyIsNotMessage'
  },

  row: ({ record, claimed }) => ({
    conversation: record.conversation,
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }): co.kendev.spaces.defs.CustomerContextView => ({
    uri: row.uri,
    cid: row.cid,
    space: row.did,
    conversation: content.conversation,
    customerData: content.customerData,
    productContext: content.productContext,
    siteContext: content.siteContext,
    createdAt: instant(row.createdAt),
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.spaces.getCustomerContext,
  lists: [
    { query: co.kendev.spaces.listCustomerContexts, newest: 'createdAt', where: { space: 'did' } },
  ],
  examples: {
    good: [
      {
        rkey: `${KEY}:did:plc:ben`,
        audience: 'staff',
        record: {
          ...about('message'),
          customerData: { name: 'Ben', answers: [{ name: 'car', value: 'A red one' }] },
          productContext: { products: ['at://did:plc:garage/co.kendev.commerce.product/3k'] },
          siteContext: { page: 'https://garage.example/brakes', locale: 'en' },
        },
      },
    ],
    bad: {
      ConversationIsNoMessage: {
        rkey: `${KEY}:did:plc:ben`,
        audience: 'staff',
        record: about('channel'),
      },
      KeyIsNotMessage: { rkey: KEY, audience: 'staff', record: about('message') },
    },
  },
})

function about(kind: 'message' | 'channel'): Omit<Context, '$type'> {
  const conversation = `at://did:plc:ben/${co.kendev.spaces[kind].$type}/${KEY}`
  return { conversation, createdAt: '2026-11-23T10:00:00Z' }
}

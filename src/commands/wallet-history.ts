import { parseArgs } from 'node:util'
import { co } from '../lexicons/index.ts'
import { showTokens } from '../tokens/amount.ts'
import { callHost } from './account-session.ts'
import type { Verb } from './command.ts'
import { PLACE_OPTIONS, openPlace } from './wallet-place.ts'

type View = {
  readonly author: { readonly did: string; readonly handle?: string }
  readonly seq: number
  readonly kind: string
  readonly amount: number
  readonly credits: readonly { readonly to: string; readonly amount: number }[]
  readonly status: string
  readonly consensus: { readonly final?: boolean }
  readonly createdAt: string
}

/** What an account has sent and got. */
export const walletHistory: Verb = {
  name: 'history',
  summary: 'see what an account has sent and got, newest first, as its node shows it',
  usage: `./angelos wallet history --account HANDLE [--limit 50] [--genesis FILE] [--service ORIGIN]
                         [--json]`,
  async run(args) {
    const options = {
      ...PLACE_OPTIONS,
      limit: { type: 'string', default: '50' },
      json: { type: 'boolean', default: false },
    } as const
    const { values } = parseArgs({ args: [...args], options })
    const { chain, current, identity, service } = await openPlace(values)
    const params = { account: identity.did, ledger: chain[0]!.id, limit: values.limit }
    const nsid = co.kendev.tokens.listTransfers.$nsid
    const { items } = await callHost<{ items: View[] }>(service, nsid, { params })
    const { code } = current.epoch
    const text = values.json
      ? JSON.stringify(items, null, 1)
      : items.map((one) => line(one, identity.did, code)).join('\n')
    process.stdout.write(`${text || 'nothing yet'}\n`)
    return 0
  },
}

function line(view: View, account: string, code: string): string {
  const { author, seq, kind, credits, status, consensus, createdAt } = view
  const isOut = author.did === account
  const mine = credits.filter(({ to }) => isOut || to === account)
  const sum = showTokens(mine.reduce((all, { amount }) => all + BigInt(amount), 0n))
  const others = isOut ? mine.map(({ to }) => to).join(', ') : (author.handle ?? author.did)
  const word = consensus.final ? 'final' : status
  const what = `${isOut ? '-' : '+'}${sum} ${code} ${isOut ? 'to' : 'from'} ${others}`
  return `${createdAt}  ${what}  ${kind}, number ${seq}, ${word}`
}

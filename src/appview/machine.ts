import { InvalidRequestError } from '@atproto/xrpc-server'

/** A way from one state to another. */
export type Move = {
  readonly from: readonly string[]
  readonly to: string
  /** What must be so; a soft guard a person may override with a reason, a hard one nobody. */
  readonly guard?: Guard
  /** Who is told, by the kind of the notification and the column with the account. */
  readonly tells?: { readonly kind: string; readonly whom: string }
}

/** Says what speaks against a move, for people; undefined when nothing does. */
export type Guard = {
  readonly name: string
  readonly kind: 'soft' | 'hard'
  readonly against: (row: Readonly<Record<string, unknown>>) => string | undefined
}

/** The states of a thing and the ways between them (`domain.md` §5). */
export type Machine = {
  /** The column, and the field of the record, that holds the state. */
  readonly field: string
  /** States something may begin in; the first one unless said. */
  readonly initial: readonly string[]
  /** Whether whoever writes the record takes it on, by the moves that there are. */
  readonly byRecord?: boolean
  readonly moves: readonly Move[]
}

/** Every state a machine knows. */
export function statesOf({ initial, moves }: Machine): string[] {
  return [...new Set([...initial, ...moves.flatMap(({ from, to }) => [...from, to])])]
}

/** Where something may go from here, in the order of declaration. */
export function nextStates({ moves }: Machine, state: string): string[] {
  return [...new Set(moves.filter(({ from }) => from.includes(state)).map(({ to }) => to))]
}

/** What is asked of a machine: from the state the caller knows, when they say it. */
export type Transition = {
  readonly from?: string
  readonly to: string
  /** Overrides soft guards, for the reason given. */
  readonly override?: boolean
  readonly reason?: string
}

/**
 * The move that takes a row in `state` where it is asked to go; undefined when it is there already.
 * Throws `InvalidTransition` with where it may go, for a state other than the caller's `from` too,
 * and `GuardFailed` for what speaks against it.
 */
export function moveOf(
  machine: Machine,
  row: Readonly<Record<string, unknown>>,
  asked: Transition,
): Move | undefined {
  const state = String(row[machine.field])
  if (state === asked.to) return undefined
  const possible = nextStates(machine, state)
  const ways = possible.length === 0 ? 'nowhere' : `to ${possible.join(', ')}`
  if (asked.from !== undefined && asked.from !== state)
    throw invalid(`It is ${state}, not ${asked.from}: from here it may go ${ways}.`)
  const move = machine.moves.find(({ from, to }) => to === asked.to && from.includes(state))
  if (!move) throw invalid(`It is ${state}, and from here it may go ${ways}.`)
  const against = move.guard?.against(row)
  if (move.guard && against !== undefined) {
    const soft = move.guard.kind === 'soft'
    if (!soft || !asked.override || !asked.reason)
      throw new InvalidRequestError(
        soft ? `${against} Override it with a reason if it is to be so.` : against,
        'GuardFailed',
      )
  }
  return move
}

function invalid(message: string): InvalidRequestError {
  return new InvalidRequestError(message, 'InvalidTransition')
}

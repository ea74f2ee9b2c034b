import { readFile, readdir } from 'node:fs/promises'

/** Clock ticks per second in /proc, on every Linux that Node runs on. */
const TICKS = 100

/** CPU time in µs that a process and all it has started have used so far, also those that have
 *  ended; NaN where there is no /proc. */
export async function cpuOfTree(root: number): Promise<number> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  if (pids.length === 0) return NaN
  const stats = await Promise.all(pids.map(statOf))
  const known = stats.filter((stat) => stat !== undefined)
  const inside = new Set([root])
  for (let before = 0; before < inside.size;) {
    before = inside.size
    for (const { pid, parent } of known) if (inside.has(parent)) inside.add(pid)
  }
  const ticks = known
    .filter(({ pid }) => inside.has(pid))
    .reduce((sum, stat) => sum + stat.ticks, 0)
  return (ticks / TICKS) * 1e6
}

type Stat = { pid: number; parent: number; ticks: number }

/** proc(5): the name in brackets may hold anything, so the fields are counted from its end. */
async function statOf(pid: string): Promise<Stat | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ')
  if (!fields) return undefined
  const [own, ofChildren] = [fields.slice(11, 13), fields.slice(13, 15)]
  const ticks = [...own, ...ofChildren].reduce((sum, field) => sum + Number(field), 0)
  return { pid: Number(pid), parent: Number(fields[1]), ticks }
}

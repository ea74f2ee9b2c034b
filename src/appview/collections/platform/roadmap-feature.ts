import { co } from '../../../lexicons/index.ts'
import { collection, count, instant, list, part, text, timestamp } from '../../define.ts'

type Feature = co.kendev.platform.roadmapFeature.Main

const QUARTER = /^(?:20\d\d-q[1-4]|future)$/
const OPEN = ['consideration', 'planned', 'in-progress', 'in-review']

/** Something that whoever runs a node may build. Only features in the repo of a node's own account
 *  are on its roadmap: anybody can write such a record (`domain.md` AC-04). */
export const roadmapFeature = collection({
  record: co.kendev.platform.roadmapFeature,
  table: 'roadmapFeature',
  columns: {
    title: text(),
    category: text(),
    status: text(),
    priority: text(),
    quarterTarget: text().optional(),
    tags: list(),
    createdAt: timestamp(),
    content: part<Feature>(),
  },
  derived: {
    voters: count({ source: 'featureVote', on: { feature: 'uri' } }),
  },
  indexes: [['did', 'createdAt']],
  access: { places: 'public' },
  machine: {
    field: 'status',
    initial: ['consideration'],
    moves: [
      { from: ['consideration'], to: 'planned' },
      { from: ['planned'], to: 'in-progress' },
      { from: ['in-progress'], to: 'in-review' },
      { from: ['in-review'], to: 'completed' },
      { from: [...OPEN, 'completed'], to: 'cancelled' },
    ],
  },

  accept({ record: { timeline } }) {
    const quarter = timeline?.quarterTarget
    return quarter === undefined || QUARTER.test(quarter) ? undefined : 'BadQuarter'
  },

  row: ({ record, claimed }) => ({
    title: record.title,
    category: record.category,
    status: record.status ?? 'consideration',
    priority: record.priority ?? 'medium',
    quarterTarget: record.timeline?.quarterTarget ?? null,
    tags: record.tags ?? [],
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }): Omit<co.kendev.platform.defs.RoadmapFeatureView, 'nextStates'> => {
    const { voting = {}, milestones = [] } = content
    const isClosed = !OPEN.includes(row.status)
    const allowed = voting.allowVoting ?? true
    return {
      uri: row.uri,
      cid: row.cid,
      node: row.did,
      title: row.title,
      description: content.description,
      category: row.category,
      priority: row.priority,
      status: row.status,
      timeline: content.timeline,
      tags: row.tags,
      votes: allowed ? (isClosed ? (voting.finalVotes ?? 0) : row.voters) : 0,
      voters: allowed ? (isClosed ? (voting.finalVoters ?? 0) : row.voters) : 0,
      voteWeight: voting.voteWeight ?? 1,
      isVotingOpen: allowed && !isClosed,
      milestones,
      completionPercentage: completion(milestones, row.status),
      createdAt: instant(row.createdAt),
      updatedAt: content.updatedAt,
      indexedAt: instant(row.indexedAt),
    }
  },

  examples: {
    good: [
      {
        record: {
          title: 'Calendar feeds',
          category: 'integrations',
          status: 'planned',
          priority: 'high',
          timeline: { quarterTarget: '2026-q4', estimatedEffort: 'medium' },
          voting: { allowVoting: true, voteWeight: 3 },
          milestones: [{ title: 'Read only', completed: true }],
          tags: ['community-requested'],
          createdAt: '2026-11-23T10:00:00Z',
        },
      },
    ],
    bad: {
      BadQuarter: {
        record: {
          title: 'Calendar feeds',
          category: 'integrations',
          timeline: { quarterTarget: '2026-q5' },
          createdAt: '2026-11-23T10:00:00Z',
        },
      },
    },
  },
})

/** Reached milestones of all, rounded; without any, nothing or all of it (`domain.md` D-101). */
function completion(milestones: readonly { completed: boolean }[], status: string): number {
  if (milestones.length === 0) return status === 'completed' ? 100 : 0
  const reached = milestones.filter(({ completed }) => completed).length
  return Math.round((100 * reached) / milestones.length)
}

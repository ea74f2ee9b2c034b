import type { Level } from '../permissioned/audience.ts'

/** What the role of a member, or a grant to them, may allow (`domain.md` §2.1). */
export type Permission =
  | 'access_private'
  | 'create_channels'
  | 'create_events'
  | 'export_data'
  | 'invite_users'
  | 'manage_bookings'
  | 'manage_members'
  | 'manage_space'
  | 'moderate_content'
  | 'post_messages'
  | 'upload_files'
  | 'view_analytics'

/** An audience that a collection names: several people, or the one customer a record is for. */
export type AudienceName = Level | 'customer'

/** Who may read and write the records of a collection; what is not said is refused. A public record
 *  is for everybody, a permissioned one for the readers of its place. */
export type Access = {
  /** In which repos its records count: public ones, permissioned ones, or both. */
  readonly places: 'public' | 'permissioned' | 'either'
  /** Whose audiences those are: a space's unless said; `both` for what spaces and tenants have. */
  readonly of?: 'space' | 'tenant' | 'both'
  /** The audience its permissioned records are for; the members' unless said. `customer`: each is
   *  for one customer of a tenant, and for its staff. */
  readonly audience?: AudienceName
  /** What members need to write such a record into a repo of their own. */
  readonly own?: Permission
  /** What members need to write it into the repo of the space. */
  readonly manage?: Permission
  /** The column that says which channel its records are in, itself or `of` the message it names; a
   *  single member may be kept from a channel. */
  readonly channel?: { readonly column: string; readonly of?: 'message' }
}

import type { Clock } from '../../clock.ts'
import { collections } from '../collections/index.ts'
import { type Mount, mountCollections } from '../serve.ts'
import { completeOnboarding } from './actor/complete-onboarding.ts'
import { getAccount } from './actor/get-account.ts'
import { getProfile } from './actor/get-profile.ts'
import { preferences } from './actor/preferences.ts'
import { spaceGrants } from './actor/space-grants.ts'
import { mountBooking } from './booking/mount-booking.ts'
import { mountCommerce } from './commerce/mount-commerce.ts'
import { getImage } from './content/get-image.ts'
import { readCategories } from './content/read-categories.ts'
import { hosts } from './federation/hosts.ts'
import { giveAward } from './karma/give-award.ts'
import { readAwards } from './karma/read-karma.ts'
import { revokeAward } from './karma/revoke-award.ts'
import { acceptInvitation } from './platform/accept-invitation.ts'
import { audit } from './platform/audit.ts'
import { changeDomainsOf } from './platform/change-domains.ts'
import { domains } from './platform/domains.ts'
import { editRoadmap } from './platform/edit-roadmap.ts'
import { feedback } from './platform/feature-feedback.ts'
import { setFeatureStatus } from './platform/feature-status.ts'
import { getSite } from './platform/get-site.ts'
import { joinTenant } from './platform/join-tenant.ts'
import { getMemberActivity } from './platform/member-activity.ts'
import { notifications } from './platform/notifications.ts'
import { provisionTenant } from './platform/provision-tenant.ts'
import { readRoadmap } from './platform/read-roadmap.ts'
import { respondToFeedback } from './platform/respond-to-feedback.ts'
import { roadmapNews } from './platform/roadmap-news.ts'
import { setNodeRole } from './platform/set-node-role.ts'
import { setTenantHandle } from './platform/tenant-handles.ts'
import { tenantInvitations } from './platform/tenant-invitations.ts'
import { tenantMembers } from './platform/tenant-members.ts'
import { tenantStatus } from './platform/tenant-status.ts'
import { transferTenant } from './platform/transfer-tenant.ts'
import { updateTenant } from './platform/update-tenant.ts'
import { voteFeature } from './platform/vote-feature.ts'
import { channelAlerts } from './spaces/channel-alerts.ts'
import { channelMetrics } from './spaces/channel-metrics.ts'
import { createSpace } from './spaces/create-space.ts'
import { decideRequest } from './spaces/decide-request.ts'
import { getThread } from './spaces/get-thread.ts'
import { invitations } from './spaces/invitations.ts'
import { join } from './spaces/join.ts'
import { messageInsights } from './spaces/message-insights.ts'
import { memberFigures } from './spaces/member-figures.ts'
import { memberProfile } from './spaces/member-profile.ts'
import { notificationSettings } from './spaces/notification-settings.ts'
import { react } from './spaces/react.ts'
import { readState } from './spaces/read-state.ts'
import { readSpaces } from './spaces/read-spaces.ts'
import { sendMessage } from './spaces/send-message.ts'
import { setChannelPermission } from './spaces/set-channel-permission.ts'
import { spaceAudit } from './spaces/space-audit.ts'
import { subscribeMessages } from './spaces/subscribe-messages.ts'
import { subscriptions } from './spaces/subscriptions.ts'
import { updateMember } from './spaces/update-member.ts'
import { writeForSpace } from './spaces/write-for-space.ts'
import { quoteExchange } from './tokens/quote-exchange.ts'
import { readExchanges } from './tokens/read-exchanges.ts'
import { readTokens } from './tokens/read-tokens.ts'

type DepsOf<F> = F extends (mount: never, deps: infer D) => void ? D : never

/** Everything the methods use between them; each takes the narrow part it names. */
export type MethodDeps = { readonly clock: Clock } & DepsOf<typeof mountCommerce> &
  DepsOf<typeof createSpace> &
  DepsOf<typeof changeDomainsOf> &
  DepsOf<typeof domains> &
  DepsOf<typeof mountBooking> &
  DepsOf<typeof getAccount> &
  DepsOf<typeof getImage> &
  DepsOf<typeof giveAward> &
  DepsOf<typeof hosts> &
  DepsOf<typeof join> &
  DepsOf<typeof revokeAward> &
  DepsOf<typeof sendMessage> &
  DepsOf<typeof provisionTenant> &
  DepsOf<typeof quoteExchange> &
  DepsOf<typeof readExchanges> &
  DepsOf<typeof readTokens> &
  DepsOf<typeof setNodeRole> &
  DepsOf<typeof acceptInvitation> &
  DepsOf<typeof tenantStatus> &
  DepsOf<typeof spaceGrants> &
  DepsOf<typeof subscribeMessages> &
  DepsOf<typeof subscriptions> &
  DepsOf<typeof writeForSpace>

/** Mounts every method of the AppView. One that is not a declared get or list adds one line. */
export function mountMethods(mount: Mount, deps: MethodDeps): void {
  mountCollections(mount, deps, collections)
  channelAlerts(mount, deps)
  channelMetrics(mount, deps)
  acceptInvitation(mount, deps)
  audit(mount, deps)
  changeDomainsOf(mount, deps)
  completeOnboarding(mount, deps)
  createSpace(mount, deps)
  decideRequest(mount, deps)
  domains(mount, deps)
  editRoadmap(mount, deps)
  feedback(mount, deps)
  getAccount(mount, deps)
  getImage(mount, deps)
  getMemberActivity(mount, deps)
  getProfile(mount, deps)
  getSite(mount, deps)
  getThread(mount, deps)
  giveAward(mount, deps)
  hosts(mount, deps)
  invitations(mount, deps)
  join(mount, deps)
  joinTenant(mount, deps)
  mountBooking(mount, deps)
  mountCommerce(mount, deps)
  messageInsights(mount, deps)
  memberFigures(mount, deps)
  memberProfile(mount, deps)
  notificationSettings(mount, deps)
  notifications(mount, deps)
  preferences(mount, deps)
  provisionTenant(mount, deps)
  quoteExchange(mount, deps)
  react(mount, deps)
  mountReadings(mount, deps)
  respondToFeedback(mount, deps)
  revokeAward(mount, deps)
  roadmapNews(mount, deps)
  sendMessage(mount, deps)
  setFeatureStatus(mount, deps)
  setChannelPermission(mount, deps)
  setNodeRole(mount, deps)
  setTenantHandle(mount, deps)
  spaceAudit(mount, deps)
  spaceGrants(mount, deps)
  subscribeMessages(mount, deps)
  subscriptions(mount, deps)
  tenantInvitations(mount, deps)
  tenantMembers(mount, deps)
  tenantStatus(mount, deps)
  transferTenant(mount, deps)
  updateMember(mount, deps)
  updateTenant(mount, deps)
  voteFeature(mount, deps)
  writeForSpace(mount, deps)
}

/** Methods that answer from views of several kinds. */
function mountReadings(mount: Mount, deps: MethodDeps): void {
  readAwards(mount, deps)
  readCategories(mount, deps)
  readExchanges(mount, deps)
  readRoadmap(mount, deps)
  readSpaces(mount, deps)
  readState(mount, deps)
  readTokens(mount, deps)
}

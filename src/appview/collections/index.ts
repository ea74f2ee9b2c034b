import type { Collection } from '../define.ts'
import { profile } from './actor/profile.ts'
import { appointmentNotes } from './booking/appointment-notes.ts'
import { appointmentTerms } from './booking/appointment-terms.ts'
import { appointment } from './booking/appointment.ts'
import { block } from './booking/block.ts'
import { feedback } from './booking/feedback.ts'
import { series } from './booking/series.ts'
import { waitlistEntry } from './booking/waitlist-entry.ts'
import { customer } from './commerce/customer.ts'
import { discount } from './commerce/discount.ts'
import { feeDecision } from './commerce/fee-decision.ts'
import { fulfilment } from './commerce/fulfilment.ts'
import { invoice } from './commerce/invoice.ts'
import { ledgerEntry } from './commerce/ledger-entry.ts'
import { order } from './commerce/order.ts'
import { orderNotes } from './commerce/order-notes.ts'
import { orderTerms } from './commerce/order-terms.ts'
import { payment } from './commerce/payment.ts'
import { payout } from './commerce/payout.ts'
import { product } from './commerce/product.ts'
import { productSupply } from './commerce/product-supply.ts'
import { productTerms } from './commerce/product-terms.ts'
import { refund } from './commerce/refund.ts'
import { stockMovement } from './commerce/stock-movement.ts'
import { storeSettings } from './commerce/store-settings.ts'
import { category } from './content/category.ts'
import { media } from './content/media.ts'
import { post } from './content/post.ts'
import { event } from './enterprise/event.ts'
import { organization } from './enterprise/organization.ts'
import { rsvp } from './enterprise/rsvp.ts'
import { venueNotes } from './enterprise/venue-notes.ts'
import { venueStaff } from './enterprise/venue-staff.ts'
import { venue } from './enterprise/venue.ts'
import { award } from './karma/award.ts'
import { revocation } from './karma/revocation.ts'
import { featureFeedback } from './platform/feature-feedback.ts'
import { featureResponse } from './platform/feature-response.ts'
import { featureVote } from './platform/feature-vote.ts'
import { nodeRole } from './platform/node-role.ts'
import { roadmapFeature } from './platform/roadmap-feature.ts'
import { roadmapUpdate } from './platform/roadmap-update.ts'
import { tenantMembership } from './platform/tenant-membership.ts'
import { tenantSettings } from './platform/tenant-settings.ts'
import { tenant } from './platform/tenant.ts'
import { channelAlert } from './spaces/channel-alert.ts'
import { channelPermission } from './spaces/channel-permission.ts'
import { channelReport } from './spaces/channel-report.ts'
import { channelRules } from './spaces/channel-rules.ts'
import { channel } from './spaces/channel.ts'
import { customerContext } from './spaces/customer-context.ts'
import { insightCorrection } from './spaces/insight-correction.ts'
import { memberCrm } from './spaces/member-crm.ts'
import { memberProfile } from './spaces/member-profile.ts'
import { membershipRequest } from './spaces/membership-request.ts'
import { membership } from './spaces/membership.ts'
import { message } from './spaces/message.ts'
import { reaction } from './spaces/reaction.ts'
import { retirement } from './spaces/retirement.ts'
import { restriction } from './spaces/restriction.ts'
import { spaceTerms } from './spaces/space-terms.ts'
import { space } from './spaces/space.ts'
import { subscription } from './spaces/subscription.ts'
import { attestationBatch } from './tokens/attestation-batch.ts'
import { certificate } from './tokens/certificate.ts'
import { checkpoint } from './tokens/checkpoint.ts'
import { endorsement } from './tokens/endorsement.ts'
import { epoch } from './tokens/epoch.ts'
import { evidence } from './tokens/evidence.ts'
import { exchangeOffer } from './tokens/exchange-offer.ts'
import { exchangeQuote } from './tokens/exchange-quote.ts'
import { ledger } from './tokens/ledger.ts'
import { memo } from './tokens/memo.ts'
import { personhood } from './tokens/personhood.ts'
import { seal } from './tokens/seal.ts'
import { transfer } from './tokens/transfer.ts'
import { vouch } from './tokens/vouch.ts'

/** Every collection this node indexes. Adding a record type adds one line here. */
export const collections: readonly Collection[] = [
  appointment,
  appointmentNotes,
  appointmentTerms,
  attestationBatch,
  award,
  block,
  category,
  certificate,
  channel,
  channelAlert,
  channelPermission,
  channelReport,
  channelRules,
  checkpoint,
  customer,
  customerContext,
  endorsement,
  epoch,
  event,
  discount,
  evidence,
  exchangeOffer,
  exchangeQuote,
  featureFeedback,
  featureResponse,
  featureVote,
  feeDecision,
  feedback,
  fulfilment,
  insightCorrection,
  invoice,
  ledger,
  ledgerEntry,
  media,
  memberCrm,
  memberProfile,
  membership,
  membershipRequest,
  memo,
  message,
  nodeRole,
  order,
  orderNotes,
  orderTerms,
  organization,
  payment,
  payout,
  personhood,
  post,
  product,
  productSupply,
  productTerms,
  profile,
  reaction,
  refund,
  retirement,
  restriction,
  revocation,
  roadmapFeature,
  roadmapUpdate,
  rsvp,
  seal,
  series,
  space,
  spaceTerms,
  stockMovement,
  storeSettings,
  subscription,
  tenant,
  tenantMembership,
  tenantSettings,
  transfer,
  venue,
  venueNotes,
  venueStaff,
  vouch,
  waitlistEntry,
]

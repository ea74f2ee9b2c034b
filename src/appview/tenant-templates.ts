/** What a tenant is set up with. */
export type TenantTemplate = {
  /** Channels of the space that its people begin in. */
  readonly channels: readonly string[]
  /** Switched on whatever the plan says. */
  readonly features: readonly string[]
  /** Drafts to begin with, named for the business to change. */
  readonly products: readonly { readonly title: string; readonly productType: string }[]
}

const template = (
  channels: readonly string[],
  features: readonly string[],
  products: TenantTemplate['products'] = [],
): TenantTemplate => ({ channels, features, products })

const sample = (title: string, productType: string) => ({ title, productType })

/** Every template (`domain.md` N-22). */
export const tenantTemplates: Readonly<Record<string, TenantTemplate>> = {
  'basic-business': template(['general', 'announcements', 'projects'], ['crm']),
  'ecommerce-store': template(
    ['general', 'orders', 'support'],
    ['ecommerce', 'crm'],
    [sample('First product', 'physical'), sample('Second product', 'physical')],
  ),
  'service-provider': template(
    ['client-requests', 'consultations', 'portfolio'],
    ['crm', 'projects'],
    [sample('Consultation', 'consultation_solo')],
  ),
  'creative-agency': template(
    ['content-planning', 'clients', 'portfolio'],
    ['projects', 'crm', 'branding'],
    [sample('Project package', 'business_service')],
  ),
  'saas-company': template(
    ['general', 'support', 'roadmap'],
    ['api', 'webhooks', 'analytics'],
    ['Basic', 'Team', 'Business'].map((title) => sample(title, 'subscription')),
  ),
  'non-profit': template(['community', 'volunteers', 'announcements'], ['crm']),
  custom: template(['general'], []),
}

/** What a tenant has switched on: what its plan has, and its template. */
export function featuresOf(name: string, planned: readonly string[]): string[] {
  const { features = [] } = Object.hasOwn(tenantTemplates, name) ? tenantTemplates[name]! : {}
  return [...new Set([...planned, ...features])]
}

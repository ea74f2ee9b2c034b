/** What people are told of. */
export type NotificationKind = {
  /** When it is sent, for those who choose. */
  readonly when: string
  /** The line in a list, and the subject of a letter. */
  readonly title: (data: Data) => string
  /** What a letter says. */
  readonly text: (data: Data) => string
  /** Whether a letter is sent as well. */
  readonly mail: boolean
  /** Whether one may choose not to be told. */
  readonly optional: boolean
}

/** Words a notification is made with. */
export type Data = Readonly<Record<string, string>>

const said = (data: Data, name: string): string => data[name] ?? ''

/** Every kind there is. Adding one adds an entry here. */
export const notificationKinds: Readonly<Record<string, NotificationKind>> = {
  tenantWelcome: {
    when: 'a tenant of yours is ready',
    title: (d) => `${said(d, 'tenant')} is ready`,
    text: (d) =>
      `Welcome. ${said(d, 'tenant')} is set up on this node, and you are its owner.\n` +
      `Its name here is ${said(d, 'handle')}.`,
    mail: true,
    optional: false,
  },
  invitationAccepted: {
    when: 'somebody accepts an invitation of yours',
    title: (d) => `${said(d, 'who')} has joined ${said(d, 'tenant')}`,
    text: (d) => `${said(d, 'who')} is now a ${said(d, 'role')} of ${said(d, 'tenant')}.`,
    mail: false,
    optional: true,
  },
  membershipChanged: {
    when: 'your role or standing in a tenant changes',
    title: (d) => `Your membership of ${said(d, 'tenant')} is ${said(d, 'status')}`,
    text: (d) => `You are a ${said(d, 'role')} of ${said(d, 'tenant')}: ${said(d, 'status')}.`,
    mail: true,
    optional: true,
  },
  tenantStatusChanged: {
    when: 'a tenant of yours is suspended, archived or active again',
    title: (d) => `${said(d, 'tenant')} is ${said(d, 'status')}`,
    text: (d) => `${said(d, 'tenant')} is now ${said(d, 'status')}. ${said(d, 'reason')}`,
    mail: true,
    optional: false,
  },
  tenantTransferred: {
    when: 'a tenant is handed over to you',
    title: (d) => `${said(d, 'tenant')} is yours`,
    text: (d) => `${said(d, 'tenant')} was handed over to you. You are its owner now.`,
    mail: true,
    optional: false,
  },
  invoiceSent: {
    when: 'a shop sends you an invoice or a credit note',
    title: (d) => `Your ${said(d, 'what')} ${said(d, 'number')} from ${said(d, 'seller')}`,
    text: (d) => `Your ${said(d, 'what')} ${said(d, 'number')} is here:\n${said(d, 'file')}`,
    mail: true,
    optional: true,
  },
  lowStock: {
    when: 'as little of a product is left as its staff has named',
    title: (d) => `Of ${said(d, 'product')} ${said(d, 'available')} are left`,
    text: (d) =>
      `${said(d, 'available')} of ${said(d, 'product')} can still be sold. ` +
      'It may be time to order more.',
    mail: true,
    optional: true,
  },
  limitWarning: {
    when: 'a tenant of yours has used four fifths of what its plan allows',
    title: (d) => `${said(d, 'tenant')} uses ${said(d, 'used')} of ${said(d, 'allowed')}`,
    text: (d) =>
      `${said(d, 'tenant')} has used ${said(d, 'used')} of ${said(d, 'allowed')} ` +
      `${said(d, 'limit')}. At ${said(d, 'allowed')} no more can be added.`,
    mail: true,
    optional: true,
  },
  featureStatusChanged: {
    when: 'a feature you vote for comes to another status',
    title: (d) => `${said(d, 'feature')} is ${said(d, 'status')}`,
    text: (d) => `${said(d, 'feature')}, which you vote for, is ${said(d, 'status')} now.`,
    mail: false,
    optional: true,
  },
  feedbackAnswered: {
    when: 'what you said about a feature is answered',
    title: () => 'Your feedback is answered',
    text: () => 'Whoever runs this node has answered what you said about a feature.',
    mail: false,
    optional: true,
  },
  featureUpdated: {
    when: 'there is news of a feature you vote for',
    title: (d) => `${said(d, 'feature')}: ${said(d, 'title')}`,
    text: (d) => `There is news of ${said(d, 'feature')}: ${said(d, 'title')}.`,
    mail: false,
    optional: true,
  },
  channelAlert: {
    when: 'a figure in a channel you manage passes a limit',
    title: (d) => `${said(d, 'channel')}: ${said(d, 'figure')} is ${said(d, 'amount')}`,
    text: (d) =>
      `In ${said(d, 'channel')}, ${said(d, 'figure')} has come to ${said(d, 'amount')}. ` +
      `The limit is ${said(d, 'limit')} (${said(d, 'level')}).\n` +
      'Acknowledge the alert, so that others know that somebody sees to it.',
    mail: true,
    optional: true,
  },
  guardianAngelGained: {
    when: 'your karma makes you a guardian angel',
    title: () => 'You are a guardian angel',
    text: (d) =>
      `Your karma has come to ${said(d, 'score')} points. ` +
      'You are a guardian angel now: you can recognise others for everything they do.',
    mail: true,
    optional: true,
  },
  guardianAngelLost: {
    when: 'you are no guardian angel any more',
    title: () => 'You are no guardian angel any more',
    text: (d) =>
      `Awards were taken back, and your karma is ${said(d, 'score')} points now. ` +
      'Guardian angels have 1000 or more.',
    mail: true,
    optional: true,
  },
  joinRequested: {
    when: 'somebody asks to join a space whose members you manage',
    title: (d) => `${said(d, 'who')} asks to join ${said(d, 'space')}`,
    text: (d) => `${said(d, 'who')} asks to join ${said(d, 'space')} and waits for a decision.`,
    mail: false,
    optional: true,
  },
  joinDecided: {
    when: 'your request to join a space is approved or declined',
    title: (d) => `${said(d, 'space')} has ${said(d, 'decision')} your request to join`,
    text: (d) =>
      `${said(d, 'space')} has ${said(d, 'decision')} your request to join. ${said(d, 'reason')}`,
    mail: true,
    optional: true,
  },
  spaceStandingChanged: {
    when: 'a space suspends or bans you, or lets you in again',
    title: (d) => `Your membership of ${said(d, 'space')} is ${said(d, 'status')}`,
    text: (d) =>
      `Your membership of ${said(d, 'space')} is ${said(d, 'status')} now. ${said(d, 'reason')}`,
    mail: true,
    optional: true,
  },
  subscriptionChanged: {
    when: 'a subscription of yours begins, ends or cannot be paid for',
    title: (d) => `Your subscription to ${said(d, 'space')} ${said(d, 'what')}`,
    text: (d) => `Your subscription to ${said(d, 'space')} ${said(d, 'what')}.`,
    mail: true,
    optional: false,
  },
  orderChanged: {
    when: 'something happens to an order of yours',
    title: (d) => `Your order ${said(d, 'order')} ${said(d, 'what')}`,
    text: (d) => `Your order ${said(d, 'order')} ${said(d, 'what')}.`,
    mail: true,
    optional: true,
  },
  orderNews: {
    when: 'something happens to an order of a business you manage',
    title: (d) => `Order ${said(d, 'order')} ${said(d, 'what')}`,
    text: (d) => `Order ${said(d, 'order')} ${said(d, 'what')}.`,
    mail: false,
    optional: true,
  },
  spaceInvitationDeclined: {
    when: 'somebody declines an invitation of yours to a space',
    title: (d) => `${said(d, 'who')} does not join ${said(d, 'space')}`,
    text: (d) => `${said(d, 'who')} has declined your invitation to ${said(d, 'space')}.`,
    mail: false,
    optional: true,
  },
  appointmentNews: {
    when: 'an appointment of yours is booked, confirmed, moved or cancelled',
    title: (d) => `${said(d, 'what')} at ${said(d, 'venue')}: ${said(d, 'news')}`,
    text: (d) =>
      `${said(d, 'what')} at ${said(d, 'venue')}: ${said(d, 'news')}.\n` +
      `It begins at ${said(d, 'when')}. ${said(d, 'reason')}`,
    mail: true,
    optional: true,
  },
  appointmentReminder: {
    when: 'an appointment of yours is soon',
    title: (d) => `${said(d, 'what')} at ${said(d, 'venue')} is soon`,
    text: (d) => `${said(d, 'what')} at ${said(d, 'venue')} begins at ${said(d, 'when')}.`,
    mail: true,
    optional: true,
  },
  startFree: {
    when: 'a start you wait for is free',
    title: (d) => `${said(d, 'what')} at ${said(d, 'venue')}: ${said(d, 'when')} is free`,
    text: (d) =>
      `${said(d, 'what')} at ${said(d, 'venue')} can be booked at ${said(d, 'when')}.\n` +
      'Book it soon: in two hours whoever waits next is told.',
    mail: true,
    optional: true,
  },
  eventNews: {
    when: 'an event you come to is confirmed, moved or cancelled, or has a place for you',
    title: (d) => `${said(d, 'event')}: ${said(d, 'news')}`,
    text: (d) => `${said(d, 'event')}: ${said(d, 'news')}. It begins at ${said(d, 'when')}.`,
    mail: true,
    optional: true,
  },
  workNews: {
    when: 'a customer books, moves or cancels an appointment that is yours to do',
    title: (d) => `${said(d, 'what')} at ${said(d, 'when')} ${said(d, 'news')}`,
    text: (d) => `${said(d, 'what')} at ${said(d, 'when')} ${said(d, 'news')}.`,
    mail: false,
    optional: true,
  },
}

/** Its rules where the operator sets none: the code life and the cooldown are the document's. */
export const policy = {
  codeLifeSeconds: 900,
  cooldownSeconds: 60,
  resends: 4,
  resend: 'repeat',
  attempts: 3,
  accessTokenSeconds: 604_800,
  loginNeedsVerifiedPhone: true,
  hideConflicts: false,
} as const

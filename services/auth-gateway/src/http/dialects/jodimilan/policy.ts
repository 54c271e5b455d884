/** Its rules where the operator sets none: cooldown, resends and the log-in after a proof are the document's. */
export const policy = {
  codeLifeSeconds: 600,
  cooldownSeconds: 30,
  resends: 3,
  resend: 'repeat',
  attempts: 3,
  accessTokenSeconds: 604_800,
  loginNeedsVerifiedPhone: true,
  hideConflicts: false,
} as const

/** Its rules where the operator sets none: code life, rotation and log-in without a proof are the document's. */
export const policy = {
  codeLifeSeconds: 600,
  cooldownSeconds: 30,
  resends: 4,
  resend: 'rotate',
  attempts: 3,
  accessTokenSeconds: 86_400,
  loginNeedsVerifiedPhone: false,
  hideConflicts: false,
} as const

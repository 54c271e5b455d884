/** Its rules where the operator sets none: code life, wrong answers and a register without a proof are the document's. */
export const policy = {
  codeLifeSeconds: 600,
  cooldownSeconds: 30,
  resends: 4,
  resend: 'repeat',
  attempts: 3,
  accessTokenSeconds: 3_600,
  loginNeedsVerifiedPhone: false,
  hideConflicts: false,
} as const

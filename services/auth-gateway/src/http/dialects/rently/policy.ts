/** Its rules where the operator sets none: code life, wrong answers and the life of tokens are the document's. */
export const policy = {
  codeLifeSeconds: 600,
  cooldownSeconds: 30,
  resends: 4,
  resend: 'repeat',
  attempts: 3,
  accessTokenSeconds: 604_800,
} as const

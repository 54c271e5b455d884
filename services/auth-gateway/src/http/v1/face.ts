import { ownFace } from '@latchkey/contracts/v1/shapes'

/** The audience of this face's tokens. */
export const face = ownFace

/** How long ago a sign-in may be to stand in for the password. */
export const freshWithinSeconds = 600

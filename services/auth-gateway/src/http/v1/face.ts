/** The audience of this face's tokens. */
export const face = 'v1'

/** How long ago a sign-in may be to stand in for the password. */
export const freshWithinSeconds = 600

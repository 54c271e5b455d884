/** The audience of this face's tokens. */
export const face = 'v1'

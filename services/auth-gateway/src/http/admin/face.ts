import { ownFace } from '@latchkey/contracts/v1/shapes'

/** Operators come with tokens of /v1: those of a documented API open nothing here. */
export const face = ownFace

/** Under which the OpenAPI document lists these calls. */
export const tag = 'operators'

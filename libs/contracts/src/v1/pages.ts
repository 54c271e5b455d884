import { type Static, Type } from 'typebox'

/** What a hosted page is told about the installation that serves it; in the `latchkey` meta element of its HTML. */
export const PageSettings = Type.Object({
  brand: Type.Object({
    name: Type.String(),
    /** `#rrggbb` */
    color: Type.String(),
    /** Address of the picture, where there is one. */
    logo: Type.Union([Type.String(), Type.Null()]),
  }),
  /** Whether a code can go to an e-mail address. */
  mail: Type.Boolean(),
  /** Countries that get messages; null for all. */
  countries: Type.Union([Type.Array(Type.String()), Type.Null()]),
  codeDigits: Type.Integer(),
})
export type PageSettings = Static<typeof PageSettings>

/** Every address that the hosted pages answer; each step of each path has one. */
export const pagePaths = [
  '/',
  '/login',
  '/login/code',
  '/signup',
  '/signup/details',
  '/signup/password',
  '/code',
  '/forgot',
  '/forgot/password',
  '/account',
  '/account/password',
  '/account/phone',
  '/account/email',
  '/account/sessions',
  '/account/second-factor',
  '/account/delete',
  '/undo',
] as const
export type PagePath = (typeof pagePaths)[number]

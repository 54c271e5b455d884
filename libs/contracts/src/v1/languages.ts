/** The languages that messages are written in, as `Accept-Language` asks for them. */
export const languages = ['en', 'es', 'hi', 'ar', 'fr', 'pt'] as const
export type Language = (typeof languages)[number]

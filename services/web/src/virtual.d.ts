declare module 'virtual:calling-codes' {
  /** Where the metadata of each calling code lies, as `<folder>/<code>.json`. */
  export const folder: string
  /** Country (ISO 3166-1 alpha-2) → calling code. */
  export const callingCodes: Readonly<Record<string, string>>
}

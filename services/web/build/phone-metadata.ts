import metadata from 'libphonenumber-js/metadata.min'
import type { Plugin } from 'vite'

const callingCodes = 'virtual:calling-codes'

/**
 * The calling code of every country as `virtual:calling-codes`, and how numbers are written as one small file a calling
 * code: whoever has picked India loads nothing of the other two hundred.
 */
export function phoneMetadata(): Plugin {
  const folder = `assets/phone-${metadata.version}`
  const codes = Object.entries(metadata.country_calling_codes)
  return {
    name: 'latchkey-phone-metadata',
    resolveId: { filter: { id: /^virtual:calling-codes$/ }, handler: () => `\0${callingCodes}` },
    load: {
      filter: { id: /^\0virtual:calling-codes$/ },
      handler: () => {
        const byCountry = codes.flatMap(([code, countries]) => countries.map((country) => [country, code] as const))
        return `export const folder = '/${folder}'\nexport const callingCodes = ${JSON.stringify(Object.fromEntries(byCountry))}`
      },
    },
    generateBundle() {
      for (const [code, countries] of codes) {
        const part = {
          ...metadata,
          nonGeographic: {},
          country_calling_codes: { [code]: countries },
          countries: Object.fromEntries(countries.map((country) => [country, metadata.countries[country]])),
        }
        this.emitFile({ type: 'asset', fileName: `${folder}/${code}.json`, source: JSON.stringify(part) })
      }
    },
  }
}

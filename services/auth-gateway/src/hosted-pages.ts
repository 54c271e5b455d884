import { resolve } from 'node:path'
import type { AppDeps } from './app.js'
import type { GatewayConfig } from './config.js'

/** The hosted pages as they are configured; nothing where there are none. `reached` are the countries that get messages, `mail` whether an e-mail can be sent. */
export function hostedPages(
  config: GatewayConfig,
  { reached, mail }: { readonly reached: '*' | ReadonlySet<string>; readonly mail: boolean },
): Pick<AppDeps, 'pages'> {
  const { PAGES_DIR = 'none', BRAND_NAME, BRAND_COLOR, BRAND_LOGO, CODE_DIGITS } = config
  if (PAGES_DIR === 'none') return {}
  return {
    pages: {
      folder: resolve(PAGES_DIR),
      brand: { name: BRAND_NAME, color: BRAND_COLOR },
      ...(BRAND_LOGO !== undefined && { logo: BRAND_LOGO }),
      settings: { mail, countries: reached === '*' ? null : [...reached], codeDigits: CODE_DIGITS },
    },
  }
}

import type { PageSettings } from '@latchkey/contracts/v1/pages'

/** What the gateway wrote into the page about the installation that serves it. */
export const settings = JSON.parse(
  document.querySelector<HTMLMetaElement>('meta[name="latchkey"]')?.content ?? '',
) as PageSettings

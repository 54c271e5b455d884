import { fileURLToPath } from 'node:url'

/** The folder of the checkout this runs in. */
export const checkout = fileURLToPath(new URL('../../../', import.meta.url))

import { compileMessage } from '@lingui/message-utils/compileMessage'
import type { Plugin } from 'vite'

/** Texts are ICU messages; they are parsed here, so that no browser has to. */
export function compileMessages(): Plugin {
  return {
    name: 'latchkey-messages',
    enforce: 'pre',
    transform: {
      filter: { id: /\/src\/messages\/[\w-]+\.json$/ },
      handler(text) {
        const messages = JSON.parse(text) as Record<string, string>
        const compiled = Object.entries(messages).map(([id, message]) => [id, compileMessage(message)])
        return { code: `export default ${JSON.stringify(Object.fromEntries(compiled))}`, moduleType: 'js' }
      },
    },
  }
}

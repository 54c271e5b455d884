import { createHash } from 'node:crypto'

export interface Page {
  readonly html: string
  /** Lets this page's own style through and nothing else. */
  readonly contentSecurityPolicy: string
}

const style = `:root{color-scheme:light dark;--line:light-dark(#d8dbe0,#3a3f47);--soft:light-dark(#5b6472,#a2abb8);--card:light-dark(#fff,#1d2126)}
body{margin:0 auto;max-width:46rem;padding:1.5rem 1rem 4rem;font:16px/1.5 system-ui,sans-serif;background:light-dark(#f5f6f8,#14171a);color:light-dark(#1b1f24,#e8eaed)}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:0 0 .25rem}p{margin:.25rem 0}.soft{color:var(--soft)}
article{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1rem;margin:1rem 0}
article:target{outline:2px solid #2563eb}code,pre{font-family:ui-monospace,monospace}pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:.5rem 0 0}
.code{font-size:1.75rem;letter-spacing:.2em;font-variant-numeric:tabular-nums}`

/** A plain page of ours: no script, no third party. `body` is HTML whose texts went through `escape`. */
export function page({ title, body, refreshSeconds }: { title: string; body: string; refreshSeconds?: number }): Page {
  const refresh = refreshSeconds === undefined ? '' : `<meta http-equiv="refresh" content="${refreshSeconds}">`
  return {
    html: `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">${refresh}<title>${escape(title)}</title><style>${style}</style></head><body><main><h1>${escape(title)}</h1>${body}</main></body></html>`,
    contentSecurityPolicy: `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; frame-ancestors 'none'`,
  }
}

/** Text as HTML. */
export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}

/** A sentence of ours as HTML: `code` between backticks. */
export function sentence(text: string): string {
  return escape(text).replace(/`([^`]+)`/g, '<code>$1</code>')
}

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/** Relative links of the Markdown files that lead nowhere, as `file: link`. */
export function brokenLinks(root: string): string[] {
  return documents(root).flatMap((file) =>
    linksOf(readFileSync(join(root, file), 'utf8'))
      .filter((link) => !leadsSomewhere(root, file, link))
      .map((link) => `${file}: ${link}`),
  )
}

const skipped = new Set(['node_modules', 'dist', '.git', '.latchkey', 'fixtures', '.turbo', '.tap'])

function documents(root: string, folder = ''): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name)) return []
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return documents(root, path)
    return entry.name.endsWith('.md') ? [path] : []
  })
}

function linksOf(text: string): string[] {
  const prose = text.replace(/^```.*?^```/gms, '').replace(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link]) => link as string)
    .filter((link) => !/^[a-z]+:/.test(link) && !link.startsWith('/'))
}

function leadsSomewhere(root: string, file: string, link: string): boolean {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? file : normalize(join(dirname(file), decodeURIComponent(path)))
  if (!existsSync(join(root, target))) return false
  if (anchor === undefined || statSync(join(root, target)).isDirectory()) return true
  return anchorsOf(readFileSync(join(root, target), 'utf8')).has(anchor)
}

/** Headings as GitHub names them, and anchors written out. */
export function anchorsOf(text: string): Set<string> {
  const headings = [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
  const written = [...text.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id as string)
  return new Set([...headings, ...written])
}

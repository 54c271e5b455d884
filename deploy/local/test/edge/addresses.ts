// Other spellings of a path: two that are the same, and all that lead nowhere or are no path at all.

/** The same path: what is met is the same. */
export const samePaths = (path: string): string[] => [
  `${path}/`,
  path.replace(/[a-z](?=[a-z]*$)/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
]

/** None of these is the path; what some of them lead to, an id that is none for one, refuses them as well. */
export function otherPaths(path: string): string[] {
  const [, first = '', ...rest] = path.split('/')
  const last = rest.at(-1) ?? ''
  const folder = path.slice(0, -last.length - 1)
  return [
    `/${path}`,
    `/${first}//${rest.join('/')}`,
    `${folder}//${last}`,
    `${path}//`,
    `/${first}%2f${rest.join('/')}`,
    `${folder}%2F${last}`,
    `${folder}%5c${last}`,
    `${folder}/./${last}`,
    `${folder}/../${last}`,
    `${folder}/%2e%2e/${last}`,
    `/..${path}`,
    `/%2e%2e${path}`,
    `${path}/..`,
    `${path}/..%2f..%2f..%2fetc%2fpasswd`,
    `${path}%00`,
    `${path}%`,
    `${path}%2`,
    `${path}%zz`,
    `${path}%ff`,
    `${path}%ed%a0%80`,
    `${path}%252f`,
    `${path};a=b`,
    `${path}.json`,
    `${path}~`,
    `${path}\\`,
    path.toUpperCase(),
    `${path}/${'x'.repeat(9_000)}`,
    `${path}${'/x'.repeat(5_000)}`,
  ]
}

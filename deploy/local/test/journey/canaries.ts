/** What was given to a system, or by it, and must stand nowhere in it. */
export interface Canaries {
  /** Names, addresses, passwords, notes. */
  readonly texts: string[]
  /** Tokens and keys: no longer piece of them either. */
  readonly tokens: string[]
  /** E.164. */
  readonly phones: string[]
  readonly codes: string[]
}

export const noCanaries = (): Canaries => ({ texts: [], tokens: [], phones: [], codes: [] })

const escape = (text: string) => text.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&')

/** The middle of what base64 makes of a text, whatever stands before it: it begins at one of three places of a triple. */
function inBase64(text: string): string[] {
  return [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text)])
    const whole = bytes.subarray(before === 0 ? 0 : 3, bytes.length - (bytes.length % 3))
    return [whole.toString('base64'), whole.toString('base64url')]
  })
}

const asTyped = (text: string): string[] => [
  text,
  encodeURIComponent(text),
  encodeURIComponent(text).replaceAll('%20', '+'),
  JSON.stringify(text).slice(1, -1),
]

/** A token, its parts, and any 24 characters from the middle of a part: a log that shortens them still gives them away. */
function pieces(token: string): string[] {
  const parts = token.split(/[.:]/).filter((part) => part.length >= 24)
  return [token, ...parts, ...parts.map((part) => part.slice(part.length / 2 - 12, part.length / 2 + 12))]
}

/** The number with and without `+` and its country code, and however it is grouped. */
function numberPattern(phone: string): RegExp {
  const national = phone.slice(-10)
  return new RegExp(`${national.split('').join('[\\s().-]{0,2}')}|${inBase64(phone).map(escape).join('|')}`)
}

/** A code as a word of its own: its digits stand inside many a longer number. */
const codePattern = (code: string) => new RegExp(`(?<![0-9A-Za-z_.-])${code}(?![0-9A-Za-z_-]|\\.[0-9])`)

/** Each canary that stands in a text, in whatever form, with what stands around it. */
export function findLeaks(text: string, { texts, tokens, phones, codes }: Canaries): string[] {
  const patterns: [string, RegExp][] = [
    ...[...texts, ...tokens.flatMap(pieces)].map((canary): [string, RegExp] => [
      canary,
      new RegExp([...asTyped(canary), ...inBase64(canary)].map(escape).join('|')),
    ]),
    ...phones.map((phone): [string, RegExp] => [phone, numberPattern(phone)]),
    ...codes.map((code): [string, RegExp] => [code, codePattern(code)]),
  ]
  return patterns.flatMap(([canary, pattern]) => {
    const at = pattern.exec(text)?.index
    return at === undefined ? [] : [`${canary}: …${text.slice(Math.max(0, at - 120), at + 80)}…`]
  })
}

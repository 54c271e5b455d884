import Bowser from 'bowser'

const longestRead = 256

/** What a person may know a device by: the program and the system that its User-Agent names, and no more. Null where it names nothing. */
export function deviceName(userAgent: string | undefined): string | null {
  if (userAgent === undefined || userAgent === '') return null
  const { browser, os } = Bowser.parse(userAgent.slice(0, longestRead))
  const [program, system] = [browser.name, os.name].map(plain)
  if (program === undefined) return system ?? null
  return system === undefined ? program : `${program} on ${system}`
}

/** Of a program that nobody knows the name is whatever it calls itself: its first word, where that is one. */
const plain = (name: string | undefined): string | undefined =>
  /^[A-Za-z][A-Za-z0-9 ._-]{0,31}/.exec(name ?? '')?.[0].trim()

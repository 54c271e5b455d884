/** `#rrggbb` → the three shares of light, 0 to 255. */
const sharesOf = (color: string): number[] => [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16))

const toColor = (shares: readonly number[]): string =>
  `#${shares.map((share) => Math.round(share).toString(16).padStart(2, '0')).join('')}`

/** Relative luminance (WCAG 2.2). */
function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = sharesOf(color).map((share) => {
    const part = share / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** Contrast ratio of two colours (WCAG 2.2), 1 to 21. */
export function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (light + 0.05) / (dark + 0.05)
}

/** The brand's colour, as far towards black or white as it takes to be read on a background (4.5 : 1). */
export function readableOn(background: string, color: string): string {
  const aim = luminance(background) > 0.4 ? 0 : 255
  for (let part = 0; part < 1; part += 0.05) {
    const shade = toColor(sharesOf(color).map((share) => share + (aim - share) * part))
    if (contrast(shade, background) >= 4.5) return shade
  }
  return toColor([aim, aim, aim])
}

const cards = { light: '#ffffff', dark: '#1b1e24' }

/** Shades of the brand for both schemes, each readable as text on its card and as a ground for text. */
export function brandShades(color: string): Readonly<Record<string, string>> {
  const [light, dark] = [readableOn(cards.light, color), readableOn(cards.dark, color)]
  return {
    '--accent': `light-dark(${light}, ${dark})`,
    '--on-accent': `light-dark(${readableOn(light, '#ffffff')}, ${readableOn(dark, '#101216')})`,
  }
}

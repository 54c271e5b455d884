/** The code that stands in a message, not in a link of it; null where none does. */
export const codeIn = (body: string): string | null =>
  /\b\d{4,10}\b/.exec(body.replaceAll(/https?:\S+/g, ''))?.[0] ?? null

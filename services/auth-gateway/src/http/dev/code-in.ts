/** The code that stands in a message; null where none does. */
export const codeIn = (body: string): string | null => /\b\d{4,10}\b/.exec(body)?.[0] ?? null

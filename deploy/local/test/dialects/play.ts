import type { Test } from 'tap'
import { type Document, type Example, member, type Request, shortfalls } from './document.js'
import type { Client, World } from './world.js'

/** What the documents' own examples need: their numbers and their fixed code, and the code shown where one shows it. */
export const documentEnv = (dialect: string): Record<string, string> => ({
  ROOT_DIALECT: dialect,
  TEST_NUMBERS: '+1234567890=123456,+919876543210=123456',
  EXPOSE_OTP: 'true',
})

/** Plays every request of a document, in order, on a data directory that is fresh; none may be left out. */
export async function play(t: Test, { client }: World, { file, examples }: Document): Promise<void> {
  const frontEnd = client()
  const kept = new Map<string, string>()
  let played = 0
  for (const example of examples) {
    await t.test(`${file}:${example.printed[0]?.line ?? '?'} ${example.name}`, (t) =>
      playOne(t, frontEnd, example, kept),
    )
    played++
  }
  t.equal(played, examples.length, 'as many are played as are committed')
}

async function playOne(t: Test, frontEnd: Client, example: Example, kept: Map<string, string>): Promise<void> {
  for (const request of example.before ?? []) await ask(frontEnd, request, kept)
  const { status, body } = await ask(frontEnd, example.request, kept)
  t.equal(status, example.status, JSON.stringify(body))
  t.same(shortfalls(example.answer, body, example.varies), [])
  for (const [text, path] of Object.entries(example.keeps ?? {})) kept.set(text, String(member(body, path)))
}

function ask(frontEnd: Client, request: Request, kept: ReadonlyMap<string, string>) {
  let text = JSON.stringify(request)
  for (const [placeholder, value] of kept) text = text.replaceAll(placeholder, value)
  const { method, path, body, headers = {} } = JSON.parse(text) as Request
  return frontEnd.call(method, path, body, { headers })
}

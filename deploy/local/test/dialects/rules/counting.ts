import { randomAddress, randomPerson } from '../world.js'
import { begin, guesses, notTheCode, type Sentence, stopwatch, tellTale } from '../scene.js'

export const counting: readonly Sentence[] = [
  [
    'wrong codes count down to 0; then this client is refused the right one too, and another is not',
    async (t, { face, client, code }) => {
      const [by, who] = [client(), randomPerson()]
      await begin({ face }, by, who)
      const right = await code(who.phone)
      const answers = await guesses(3, () => face.verify(by, who, notTheCode(right)))
      t.match(answers, [face.wrong(2), face.wrong(1), face.wrong(0)])
      const refused = await face.verify(by, who, right)
      t.match(refused, face.exhausted)
      t.ok([...answers, refused].every((answer) => face.isShaped(answer)))
      t.match(await face.verify(client(), who, right), face.verified)
    },
  ],
  [
    'another program and another address of the same network have no guesses of their own',
    async (t, { face, client, code }) => {
      const address = randomAddress()
      const [by, who] = [client({ address }), randomPerson()]
      await begin({ face }, by, who)
      const right = await code(who.phone)
      const neighbour = `${address.split('::')[0]}::beef`
      t.match(await face.verify(by, who, notTheCode(right)), face.wrong(2))
      t.match(await face.verify(client({ address }), who, notTheCode(right)), face.wrong(1))
      t.match(await face.verify(client({ address: neighbour }), who, notTheCode(right)), face.wrong(0))
      t.match(await face.verify(client({ address: neighbour }), who, right), face.exhausted)
    },
  ],
  [
    'nine wrong codes from anywhere end it for everybody',
    async (t, { face, client, code }) => {
      const [by, who] = [client(), randomPerson()]
      await begin({ face }, by, who)
      const right = await code(who.phone)
      for (const stranger of [client(), client(), client()]) {
        const answers = await guesses(3, () => face.verify(stranger, who, notTheCode(right)))
        t.match(answers, [face.wrong(2), face.wrong(1), face.wrong(0)])
      }
      t.match(await face.verify(by, who, right), face.exhausted)
    },
  ],
  [
    'for somebody who is not there the same is counted and told',
    async (t, { face, client, code }) => {
      const [by, who, nobody] = [client(), randomPerson(), randomPerson()]
      await begin({ face }, by, who)
      const wrong = notTheCode(await code(who.phone))
      const known = await guesses(5, () => face.verify(by, who, wrong))
      const stranger = client()
      const unknown = await guesses(5, () => face.verify(stranger, nobody, wrong))
      t.same(
        unknown.map((answer) => tellTale(answer, nobody)),
        known.map((answer) => tellTale(answer, who)),
      )
    },
  ],
  [
    'a used code is as good as none',
    async (t, { face, client, code }) => {
      const [by, who] = [client(), randomPerson()]
      await begin({ face }, by, who)
      const right = await code(who.phone)
      t.match(await face.verify(by, who, right), face.verified)
      const again = await face.verify(by, who, right)
      t.match(again, face.wrong(2))
      t.ok(face.isShaped(again))
    },
  ],
  [
    'a code is good until a second before its end, and as good as none a second after it',
    async (t, { face, client, code, later }) => {
      const [early, late] = [randomPerson(), randomPerson()]
      const by = client()
      await begin({ face }, by, late)
      const late1 = await code(late.phone)
      const since = stopwatch()
      await begin({ face }, by, early)
      const codes = [await code(early.phone), late1] as const
      await later(face.codeLifeSeconds - 1 - since())
      t.match(await face.verify(by, early, codes[0]), face.verified)
      await later(2)
      t.match(await face.verify(by, late, codes[1]), face.wrong(2))
    },
  ],
]

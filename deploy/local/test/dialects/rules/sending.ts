import { type Person, randomPerson } from '../world.js'
import { begin, guesses, notTheCode, type Sentence, stopwatch, tellTale } from '../scene.js'

export const sending: readonly Sentence[] = [
  [
    'a second before the end of the cooldown is too soon; a second after it the code is sent',
    async (t, { face, client, code, inbox, later }) => {
      const [by, who] = [client(), randomPerson()]
      const since = stopwatch()
      await begin({ face }, by, who)
      const first = await code(who.phone)
      const refused = await face.send(by, who)
      t.match(refused, face.cooling)
      t.ok(face.isShaped(refused))
      t.ok(Number(refused.headers['retry-after']) <= face.cooldownSeconds)
      t.ok(Number(refused.headers['retry-after']) > face.cooldownSeconds - 10)
      await later(face.cooldownSeconds - 1 - since())
      const still = await face.send(by, who)
      t.match(still, { ...face.cooling, headers: { 'retry-after': /^[12]$/ } })
      t.equal((await inbox(who.phone)).length, 1)
      await later(2)
      t.match(await face.send(by, who), face.sent)
      const second = await code(who.phone, 2)
      if (face.resends !== null && face.resend === 'repeat') t.equal(second, first, 'the same code is sent again')
      t.match(await face.verify(by, who, second), face.verified)
    },
  ],
  [
    'after the last resend there is none, until the challenge has ended',
    async (t, { face, client, code, inbox, later }) => {
      if (face.resends === null) return
      const [by, who] = [client(), randomPerson()]
      await begin({ face }, by, who)
      await code(who.phone)
      for (let n = 1; n <= face.resends; n++) {
        await later(face.cooldownSeconds + 1)
        t.match(await face.send(by, who), face.sent, `resend ${n}`)
        // Where a resend makes a new code, one that still waits is not sent any more.
        await code(who.phone, 1 + n)
      }
      await later(face.cooldownSeconds + 1)
      const refused = await face.send(by, who)
      t.match(refused, face.spent)
      t.ok(face.isShaped(refused))
      t.equal((await inbox(who.phone)).length, 1 + face.resends)
      t.match(await face.verify(by, who, await code(who.phone)), face.verified, 'the last code still counts')
    },
  ],
  [
    'an exhausted code is replaced by a resend, with counts of its own',
    async (t, { face, client, code, later }) => {
      const [by, who] = [client(), randomPerson()]
      await begin({ face }, by, who)
      const wrong = notTheCode(await code(who.phone))
      await guesses(3, () => face.verify(by, who, wrong))
      t.match(await face.send(by, who), face.cooling, 'inside the cooldown nobody is told that one is on its way')
      await later(face.cooldownSeconds + 1)
      t.match(await face.send(by, who), face.sent)
      const fresh = await code(who.phone, 2)
      t.match(await face.verify(by, who, notTheCode(fresh)), face.wrong(2))
      t.match(await face.verify(by, who, fresh), face.verified)
    },
  ],
  [
    'an expired code is replaced by a resend',
    async (t, { face, client, code, later }) => {
      const [by, who] = [client(), randomPerson()]
      await begin({ face }, by, who)
      await code(who.phone)
      await later(face.codeLifeSeconds + 1)
      t.match(await face.send(by, who), face.sent)
      t.match(await face.verify(by, who, await code(who.phone, 2)), face.verified)
    },
  ],
  [
    'a resend for somebody who is not there is answered, and cools down, like any other; nothing is sent',
    async (t, { face, client, code, inbox, later }) => {
      if (face.resends === null) return
      const [by, who, nobody] = [client(), randomPerson(), randomPerson()]
      await begin({ face }, by, who)
      await code(who.phone)
      await later(face.cooldownSeconds + 1)
      const ask = async (whom: Person) => [await face.send(by, whom), await face.send(by, whom)]
      const [known, unknown] = [await ask(who), await ask(nobody)]
      t.same(
        unknown.map((answer) => tellTale(answer, nobody)),
        known.map((answer) => tellTale(answer, who)),
      )
      t.match(unknown, [face.sent, face.cooling])
      await code(who.phone, 2)
      t.same(await inbox(nobody.phone), [])
    },
  ],
  [
    'a second registration inside the cooldown succeeds and sends nothing; a resend after it does',
    async (t, { face, client, code, inbox, later }) => {
      if (face.resends === null || !face.registeringSends) return
      const [by, who] = [client(), randomPerson()]
      await begin({ face }, by, who)
      await code(who.phone)
      const again = client()
      const other = { ...randomPerson(), phone: who.phone }
      const registered = await face.register(again, other)
      t.match(registered, face.registered)
      if (face.name === 'careops') t.equal(registered.body.sms_status, 'skipped')
      t.equal((await inbox(who.phone)).length, 1)
      await later(face.cooldownSeconds + 1)
      t.match(await face.send(again, other), face.sent)
      t.match(await face.verify(again, other, await code(who.phone, 2)), face.verified)
    },
  ],
  [
    'the budget of a phone holds: the seventh message within the hour is refused or, at a registration, not sent',
    async (t, { face, client, code, inbox, later }) => {
      const who = randomPerson()
      for (let n = 1; n <= 6; n++) {
        await begin({ face }, client(), { ...randomPerson(), phone: who.phone })
        await code(who.phone, n)
        await later(face.cooldownSeconds + 1)
      }
      const by = client()
      const other = { ...randomPerson(), phone: who.phone }
      const registered = await face.register(by, other)
      if (face.resends === null) t.match(registered, face.limited)
      else {
        t.match(registered, face.registered)
        const refused = await face.send(by, other)
        t.match(refused, face.name === 'jodimilan' ? { status: 400, headers: face.limited.headers } : face.limited)
        t.ok(face.isShaped(refused))
      }
      t.equal((await inbox(who.phone)).length, 6)
    },
  ],
]

import type { Guard } from '../guards.js'

const board = 'services/sms-worker/src/board/board.ts'
const letters = 'services/sms-worker/src/board/dead-letters.ts'
const shown = 'services/sms-worker/src/board/shown.ts'
const test = 'services/sms-worker/test/board.test.ts'
const harmless = 'whatever a job holds, the board tells of it what is known to be harmless'
const told = 'whatever is done with a queue is told to the audit: who, what and why; what is not done is not'
const again = 'what is dead is not sent again where its code is dead, may have gone out, or is for nobody'

/** What stands between who finds the ops port and the queues, and between a dead letter and a second SMS. */
export const boardGuards: readonly Guard[] = [
  {
    guards: 'the board asks for a password',
    file: board,
    take: "app.addHook('onRequest', app.basicAuth)",
    put: '',
    test,
    red: 'who does not know user and password sees nothing, and after ten tries is not looked at',
  },
  {
    guards: 'guesses at the password of the board have an end',
    file: 'services/sms-worker/src/board/gate.ts',
    take: 'points: triesAtMost',
    put: 'points: 1_000 * triesAtMost',
    test,
    red: 'who does not know user and password sees nothing, and after ten tries is not looked at',
  },
  {
    guards: 'the board only shows',
    file: board,
    take: 'if (!mayPass(request, writes)) return',
    put: 'if (!mayPass(request, writes) && writes) return',
    test,
    red: 'it only shows; where it may write it pauses, resumes and hurries, and nothing else',
  },
  {
    guards: 'no other site makes the board do anything',
    file: board,
    take: "if (site !== undefined && site !== 'same-origin') return false",
    put: '',
    test,
    red: 'it only shows; where it may write it pauses, resumes and hurries, and nothing else',
  },
  {
    guards: 'a payload nobody knows is not shown',
    file: shown,
    take: "if (schema === undefined || typeof data !== 'object' || data === null) return { payload: untold }",
    put: "if (typeof data !== 'object' || data === null) return { payload: untold }\n  if (schema === undefined) return { ...data }",
    test,
    red: harmless,
  },
  {
    guards: 'why a job failed is not quoted',
    file: shown,
    take: 'known.some((sentence) => sentence.test(reason)) ? reason : untold',
    put: 'known.length > 0 ? reason : untold',
    test,
    red: harmless,
  },
  {
    guards: 'what may have been sent is not sent again from the dead',
    file: letters,
    take: "if (possibleAccepts(await fence.read(job.messageId)) > 0) return 'it may have been sent already'",
    put: 'if (possibleAccepts(await fence.read(job.messageId)) > 9) return undefined',
    test,
    red: again,
  },
  {
    guards: 'a message that was never to be sent is not sent from the dead',
    file: letters,
    take: "return challenge.message.kind === 'decoy' ? 'there is nothing to send' : undefined",
    put: 'return undefined',
    test,
    red: again,
  },
  {
    guards: 'what is done to a dead letter stands in the audit',
    file: letters,
    take: 'await tellAct({ ...by, action: `dead_letter.${what}`, target: `${queue}:${id}`, about: letter.about })',
    put: 'void [tellAct, by]',
    test,
    red: told,
  },
  {
    guards: 'what the dashboard does stands in the audit',
    file: board,
    take: 'if (act !== undefined) await tellAct({ actor: `board:${user}`, ...act })',
    put: 'void [act, tellAct, user]',
    test,
    red: told,
  },
  {
    guards: 'an act that is told of again is written down once',
    file: 'services/users/src/audit/audit.repository.ts',
    take: ".onConflict((conflict) => conflict.column('told_id').doNothing())",
    put: '',
    test: 'services/users/test/deliveries.test.ts',
    red: 'events from the queue reach the log and acts the audit, once, and wait there while the database is away',
  },
  {
    guards: 'what is dropped has an end in the log',
    file: letters,
    take: 'await tell.add(at === 0 ? `d-${job.id}` : `d-${job.id}-${at}`, { ...plain, v: 1, state: endOf(event.state) })',
    put: 'void plain',
    test,
    red: 'an event that users could not write: its end is kept, and what a person said is not dropped',
  },
  {
    guards: 'of a batch the board tells no more than of its events',
    file: shown,
    take: "if (name === 'events' && Array.isArray(value)) return value.map((event) => shownData(queue, event))",
    put: '',
    test,
    red: harmless,
  },
]

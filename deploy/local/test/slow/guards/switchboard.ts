import type { Guard } from '../guards.js'

const obeyed = 'services/sms-worker/src/switchboard/switchboard.ts'
const sendSms = 'services/sms-worker/src/jobs/send-sms.ts'
const worker = 'services/sms-worker/test/switches.test.ts'
const service = 'services/users/src/switchboard/switches.service.ts'
const order = 'services/users/src/switchboard/switch-order.ts'
const users = 'services/users/test/switches.test.ts'
const gateway = 'services/auth-gateway/test/stopped.test.ts'

export const switchboardGuards: readonly Guard[] = [
  {
    guards: 'a worker that has just started knows of a pause',
    file: 'libs/kit/src/copied-list.ts',
    take: "if (redis.status !== 'ready') return",
    put: "if (redis.status !== 'ready') {\n      lookedAt = performance.now()\n      return\n    }",
    test: 'libs/kit/test/copied-list.test.ts',
    red: 'a look before there was a connection is not remembered',
  },
  {
    guards: 'a copy that is being written anew switches nothing on again',
    file: 'libs/kit/src/copied-list.ts',
    take: "if (whole === '1') known =",
    put: "if (whole !== '0') known =",
    test: 'libs/kit/test/copied-list.test.ts',
    red: 'a copy that is lost, or is being written anew, is read as it last was',
  },
  {
    guards: 'nothing goes through a paused lane',
    file: obeyed,
    take: "does !== 'pause' && ",
    put: '',
    test: worker,
    red: 'a paused lane takes nothing: messages and decoys go elsewhere, and come back when it ends by itself',
  },
  {
    guards: 'a lane that drains takes nothing new',
    file: obeyed,
    take: 'queuedAt.getTime() < Date.parse(since)',
    put: 'queuedAt.getTime() < Date.parse(since) + 60_000',
    test: worker,
    red: 'a lane that drains takes what was queued before, and nothing after',
  },
  {
    guards: 'nor does what stood in line when it was paused',
    file: 'services/sms-worker/src/routing/router.ts',
    take: '(await heldBack(lane, delivery)) ?? shutBy(lane.enter(), starts)',
    put: 'shutBy(lane.enter(), starts)',
    test: worker,
    red: 'a message that stood in line at a lane that was paused meanwhile does not go through it',
  },
  {
    guards: 'a switch ends by itself',
    file: 'libs/contracts/src/switch-record.ts',
    take: 'Date.parse(until) > now',
    put: 'Date.parse(until) > 0 && now > 0',
    test: gateway,
    red: 'a stop ends by itself',
  },
  {
    guards: 'nothing is sent that is stopped',
    file: sendSms,
    take: '(await deps.lookAtSwitches()).stops(job)',
    put: "(await deps.lookAtSwitches()).stops({ ...job, country: '', purpose: 'verify_email' })",
    test: worker,
    red: 'nothing is sent to a stopped country or for a stopped purpose, decoys alike, and the log says why',
  },
  {
    guards: 'no stop keeps an owner from being told of a change of phone',
    file: sendSms,
    take: "message.kind !== 'phone_changed' && ",
    put: 'message.kind !== undefined && ',
    test: worker,
    red: 'an owner is told that an account left his phone whatever is stopped',
  },
  {
    guards: 'a resend of what is stopped spends nothing',
    file: 'services/auth-gateway/src/flows/resend-challenge.ts',
    take: 'await refuseStopped({ purposes: [purpose], ...(shownTo !== null && { country }), challengeId: id })',
    put: 'void [refuseStopped, purpose, country, shownTo]',
    test: gateway,
    red: 'a resend of what is stopped is taken back: nothing is spent, and the code in hand stays right',
  },
  {
    guards: 'a stop of a country tells nobody where the phone behind a name is',
    file: 'services/auth-gateway/src/flows/forgot-password.ts',
    take: "await refuseStopped({ purposes: ['reset_password'], ...(typed !== undefined && { country: typed.country }) })",
    put: '',
    test: gateway,
    red: 'a reset tells nobody by the country of a phone that the caller did not type',
  },
  {
    guards: 'what is ended is switched on everywhere',
    file: service,
    take: 'row.ended_at === null && row.until > now()',
    put: 'row.until > now()',
    test: users,
    red: 'a copy that was lost is written anew, without what is over',
  },
  {
    guards: 'the guard against pumping does what an operator ordered',
    file: 'services/auth-gateway/src/sms-switches.ts',
    take: 'guardModes.find((mode) => mode === does) ?? configured[rule]',
    put: 'guardModes.find((mode) => mode === does && false) ?? configured[rule]',
    test: gateway,
    red: 'a rule of the guard does what an operator ordered, until its time; the others what is configured',
  },
  {
    guards: 'what is no time of any clock ends no switch',
    file: order,
    take: "if (Number.isNaN(leftMs)) throw invalidField('/until', 'is no time')",
    put: '',
    test: users,
    red: 'what could never be obeyed is refused, naming the field',
  },
  {
    guards: 'a country that no number has is not stopped',
    file: order,
    take: '.region === name && names',
    put: ".region !== '' && names",
    test: users,
    red: 'what could never be obeyed is refused, naming the field',
  },
]

// Every guard of the product, each with what goes wrong without it. `npm run test:slow -- guards.test.ts` takes them away one by
// one, in a copy of the checkout, and the test that is named has to fail. To add one, add an entry to the list of its part:
//
//   {
//     guards: 'what holds because of it, as a sentence',
//     file: 'services/users/src/…',       where it stands: TypeScript or Lua
//     take: 'the exact source text',      once in that file; short, but enough to be understood here
//     put: '',                            what stands there instead; it must still compile
//     test: 'services/users/test/….test.ts',
//     red: 'the name of its test',        nested ones with ` > ` between the names
//   }
//
// Choose the fastest test that notices: one of the service before one of the journey.
import { accountChangeGuards } from './guards/account-changes.js'
import { clientGuards } from './guards/client.js'
import { edgeGuards } from './guards/edge.js'
import { boardGuards } from './guards/board.js'
import { faceGuards } from './guards/faces.js'
import { jodimilanAndRentlyGuards } from './guards/faces-b.js'
import { gatewayGuards } from './guards/gateway.js'
import { guessingGuards } from './guards/guessing.js'
import { laneGuards } from './guards/lanes.js'
import { outageGuards } from './guards/outage.js'
import { kitGuards } from './guards/kit.js'
import { mailGuards } from './guards/mail.js'
import { operatorGuards } from './guards/operators.js'
import { pumpingGuards } from './guards/pumping.js'
import { preHijackingGuards } from './guards/pre-hijacking.js'
import { receiptGuards } from './guards/receipts.js'
import { redisFaultGuards } from './guards/redis-faults.js'
import { sessionGuards } from './guards/sessions.js'
import { strangerGuards } from './guards/strangers.js'
import { switchboardGuards } from './guards/switchboard.js'
import { usersGuards } from './guards/users.js'
import { usersAwayGuards } from './guards/users-away.js'
import { workerGuards } from './guards/worker.js'

/** A line of the product that stands between somebody and harm, and the test that misses it. */
export interface Guard {
  readonly guards: string
  readonly file: string
  readonly take: string
  readonly put: string
  readonly test: string
  readonly red: string
}

export const guards: readonly Guard[] = [
  ...gatewayGuards,
  ...faceGuards,
  ...jodimilanAndRentlyGuards,
  ...guessingGuards,
  ...pumpingGuards,
  ...usersGuards,
  ...usersAwayGuards,
  ...workerGuards,
  ...laneGuards,
  ...outageGuards,
  ...kitGuards,
  ...clientGuards,
  ...redisFaultGuards,
  ...sessionGuards,
  ...receiptGuards,
  ...boardGuards,
  ...accountChangeGuards,
  ...mailGuards,
  ...strangerGuards,
  ...operatorGuards,
  ...edgeGuards,
  ...switchboardGuards,
  ...preHijackingGuards,
]

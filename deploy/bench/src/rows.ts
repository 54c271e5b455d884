import type { Row } from './bench.js'
import { answer, codeLogIn } from './rows/answer.js'
import { accept, carrierDown, kill, stalls } from './rows/carrier.js'
import { growth } from './rows/growth.js'
import { primitives } from './rows/primitives.js'
import { campaign, drain } from './rows/queue.js'
import { logIn, refresh, tokenCheck, tokenCheckByKeys } from './rows/sessions.js'
import { most, signUp, signUpWithPassword } from './rows/sign-up.js'

/** Everything that is measured, in this order: what fills stores comes last. */
export const rows: readonly Row[] = [
  primitives,
  signUp,
  signUpWithPassword,
  answer,
  codeLogIn,
  logIn,
  refresh,
  tokenCheck,
  tokenCheckByKeys,
  accept,
  stalls,
  most,
  carrierDown,
  kill,
  campaign,
  drain,
  growth,
]

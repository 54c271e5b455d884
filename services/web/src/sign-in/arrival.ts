import type { PagePath } from '@latchkey/contracts/v1/pages'
import { useLocation } from 'wouter'
import { endFlow, type Flow, keepFlow, wayBack } from '../flow.js'

/** The two ways on from a form: a code to wait for, or a session. */
export function useArrival() {
  const [, go] = useLocation()
  return {
    /** Goes to where the code is typed. */
    expect: (flow: Flow): void => {
      keepFlow(flow)
      go('/code')
    },
    /** Signed in: goes on, to where one wanted to be in the first place; back does not lead to what is done. */
    arrive: (next: PagePath): void => {
      endFlow()
      go(next === '/account' ? wayBack.read() : next, { replace: true })
    },
  }
}

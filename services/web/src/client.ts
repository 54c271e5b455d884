import { createClient } from '@latchkey/client'
import { inLocalStorage } from '@latchkey/client/storage'
import { useSyncExternalStore } from 'react'

/** Speaks to the gateway that served the page, and keeps the session for all tabs. */
export const client = createClient({ storage: inLocalStorage(), language: () => document.documentElement.lang })

/** Undefined until the storage has been read. */
let signedIn: boolean | undefined
const changed = new Set<() => void>()
client.watch((session) => {
  signedIn = session !== null
  for (const tell of changed) tell()
})

const subscribe = (tell: () => void) => {
  changed.add(tell)
  return () => void changed.delete(tell)
}

/** Whether somebody is signed in here, in this tab or another; undefined until that is known. */
export const useSignedIn = (): boolean | undefined => useSyncExternalStore(subscribe, () => signedIn)

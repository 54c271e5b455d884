import { createClient } from '@latchkey/client'
import { inLocalStorage } from '@latchkey/client/storage'
import { useSyncExternalStore } from 'react'

/** Speaks to the gateway that served the page, and keeps the session for all tabs. */
export const client = createClient({ storage: inLocalStorage(), language: () => document.documentElement.lang })

/** Undefined until the storage has been read. */
let signedIn: boolean | undefined
/** Whoever was signed in here ended that himself. */
let left = false
const changed = new Set<() => void>()
client.watch((session) => {
  signedIn = session !== null
  if (signedIn) left = false
  for (const tell of changed) tell()
})

const subscribe = (tell: () => void) => {
  changed.add(tell)
  return () => void changed.delete(tell)
}

/** Whether somebody is signed in here, in this tab or another; undefined until that is known. */
export const useSignedIn = (): boolean | undefined => useSyncExternalStore(subscribe, () => signedIn)

/** Ends what somebody has here because he wants to: nobody who logs in next is led back to where that was done. */
export async function leave(end: () => Promise<unknown>): Promise<void> {
  left = true
  try {
    await end()
  } catch (error) {
    left = false
    throw error
  }
}

/** Whether the last one who was signed in here went because he wanted to. */
export const hasLeft = (): boolean => left

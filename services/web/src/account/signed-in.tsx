import type { User } from '@latchkey/contracts/v1/shapes'
import { QueryClient, QueryClientProvider, useQuery } from '@tanstack/react-query'
import { type ReactNode, useEffect, useLayoutEffect } from 'react'
import { Link, Redirect, useLocation } from 'wouter'
import { client, hasLeft, useSignedIn } from '../client.js'
import { wayBack } from '../flow.js'
import { useSay } from '../locale.js'
import { tell } from '../refusals.js'
import { Loading, Page } from '../shell.js'

/** What the pages of an account know; forgotten with the page. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // The client has tried again already where that could help.
      retry: false,
      networkMode: 'always',
    },
  },
})

export const keys = { me: ['me'], sessions: ['sessions'] } as const

/** Forgets what was known of the account before somebody else may sign in. */
export const forgetAccount = (): void => queries.clear()

/** For who is signed in, with what is known of them; everybody else is led to the front door, and back here from there. */
export function SignedIn({ title, children }: { title: string; children: (user: User) => ReactNode }) {
  return (
    <QueryClientProvider client={queries}>
      <WithUser title={title}>{children}</WithUser>
    </QueryClientProvider>
  )
}

function WithUser({ title, children }: { title: string; children: (user: User) => ReactNode }) {
  const say = useSay()
  const signedIn = useSignedIn()
  const { data, error, refetch, isFetching } = useQuery({
    queryKey: keys.me,
    queryFn: () => client.getMe(),
    enabled: signedIn === true,
  })
  useEffect(() => (data === undefined ? undefined : wayBack.forget()), [data])
  if (signedIn === false) return <ToTheDoor />
  if (data !== undefined) return children(data.user)
  if (error === null) return <Loading />
  return (
    <Page title={title}>
      <p className="note wrong" role="alert">
        {tell(error, say).form}
      </p>
      <button type="button" className="bordered" aria-busy={isFetching} onClick={() => void refetch()}>
        {say('again')}
      </button>
    </Page>
  )
}

function ToTheDoor() {
  const [here] = useLocation()
  useLayoutEffect(() => (hasLeft() ? wayBack.forget() : wayBack.keep(here)), [])
  return <Redirect to="/login" replace />
}

/** The way back from a page of the account. */
export function BackToAccount() {
  const say = useSay()
  return <Link href="/account">{say('account.back')}</Link>
}

import type { User } from '@latchkey/contracts/v1/shapes'
import { QueryClient, QueryClientProvider, useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Link, Redirect } from 'wouter'
import { client, useSignedIn } from '../client.js'
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

/** For who is signed in, with what is known of them; everybody else is led to the front door. */
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
  if (signedIn === false) return <Redirect to="/login" replace />
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

/** The way back from a page of the account. */
export function BackToAccount() {
  const say = useSay()
  return <Link href="/account">{say('account.back')}</Link>
}

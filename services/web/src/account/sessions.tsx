import type { SessionListed } from '@latchkey/contracts/v1/shapes'
import { useLingui } from '@lingui/react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useLocation } from 'wouter'
import { client, leave } from '../client.js'
import { useSay } from '../locale.js'
import { tell } from '../refusals.js'
import { Page } from '../shell.js'
import { BackToAccount, forgetAccount, keys, queries, SignedIn } from './signed-in.js'

/** Where the account is signed in, and how to end it there. */
export function Sessions() {
  const say = useSay()
  return <SignedIn title={say('sessions.title')}>{() => <List />}</SignedIn>
}

function List() {
  const say = useSay()
  const [, go] = useLocation()
  const { data, error } = useQuery({ queryKey: keys.sessions, queryFn: () => client.listSessions() })
  const everywhere = useMutation(
    {
      mutationFn: () => leave(() => client.endSession({ all: true })),
      onSuccess: () => {
        forgetAccount()
        go('/login', { replace: true })
      },
    },
    queries,
  )
  const wrong = error ?? everywhere.error
  return (
    <Page wide title={say('sessions.title')} text={say('sessions.text')} links={<BackToAccount />}>
      {wrong !== null && (
        <p className="note wrong" role="alert">
          {tell(wrong, say).form}
        </p>
      )}
      {data === undefined && wrong === null && <p role="status">{say('loading')}</p>}
      <ul className="list">
        {data?.sessions.map((session) => (
          <Entry key={session.id} session={session} />
        ))}
      </ul>
      <button type="button" className="danger" aria-busy={everywhere.isPending} onClick={() => everywhere.mutate()}>
        {say('sessions.endAll')}
      </button>
    </Page>
  )
}

function Entry({ session }: { session: SessionListed }) {
  const say = useSay()
  const { i18n } = useLingui()
  const end = useMutation(
    {
      mutationFn: () => client.endOneSession({ id: session.id }),
      // One that has ended meanwhile is what was wanted.
      onSettled: () => queries.invalidateQueries({ queryKey: keys.sessions }),
    },
    queries,
  )
  const time = (text: string) =>
    new Intl.DateTimeFormat(i18n.locale, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(text))
  const device = session.device ?? say('sessions.unknown')
  return (
    <li className="row">
      <div>
        <h2>{device}</h2>
        <p className="soft small">
          {session.current ? say('sessions.current') : say('sessions.used', { time: time(session.lastUsedAt) })}
        </p>
      </div>
      {!session.current && (
        <button
          type="button"
          className="bordered"
          aria-busy={end.isPending}
          aria-label={say('sessions.endNamed', { device })}
          onClick={() => end.mutate()}
        >
          {say('sessions.end')}
        </button>
      )}
    </li>
  )
}

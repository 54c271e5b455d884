import type { PagePath } from '@latchkey/contracts/v1/pages'
import { type ComponentType, lazy, type ReactNode, Suspense } from 'react'
import { Redirect, Route, Switch } from 'wouter'
import { useSignedIn } from './client.js'
import { wayBack } from './flow.js'
import { Loading, Shell, Unreachable } from './shell.js'
import { LogIn } from './sign-in/log-in.js'

/** Whatever is not the first thing most people see comes when it is asked for. */
const later = <P extends string>(load: () => Promise<Record<P, ComponentType>>, name: P) =>
  lazy(() =>
    load().then(
      (loaded) => ({ default: loaded[name] }),
      () => ({ default: Unreachable }),
    ),
  )

const pages: Partial<Record<PagePath, ComponentType>> = {
  '/login': LogIn,
  '/login/code': later(() => import('./sign-in/log-in-by-code.js'), 'LogInByCode'),
  '/signup': later(() => import('./sign-in/sign-up.js'), 'SignUp'),
  '/signup/details': later(() => import('./sign-in/sign-up-details.js'), 'SignUpDetails'),
  '/signup/password': later(() => import('./sign-in/first-password.js'), 'FirstPassword'),
  '/code': later(() => import('./sign-in/code.js'), 'Code'),
  '/forgot': later(() => import('./sign-in/forgot.js'), 'Forgot'),
  '/forgot/password': later(() => import('./sign-in/reset.js'), 'Reset'),
  '/account': later(() => import('./account/account.js'), 'Account'),
  '/account/password': later(() => import('./account/password.js'), 'ChangePassword'),
  '/account/phone': later(() => import('./account/phone.js'), 'ChangePhone'),
  '/account/email': later(() => import('./account/email.js'), 'ChangeEmail'),
  '/account/sessions': later(() => import('./account/sessions.js'), 'Sessions'),
  '/account/second-factor': later(() => import('./account/second-factor.js'), 'SecondFactor'),
  '/account/delete': later(() => import('./account/delete.js'), 'Delete'),
  '/undo': later(() => import('./account/undo.js'), 'Undo'),
}

/** Pages for who is not signed in yet. */
const forGuests: ReadonlySet<string> = new Set<PagePath>([
  '/login',
  '/login/code',
  '/signup',
  '/signup/details',
  '/forgot',
])

/** All pages, by their addresses. */
export function App() {
  return (
    <Shell>
      <Suspense fallback={<Loading />}>
        <Switch>
          {Object.entries(pages).map(([path, Page]) => (
            <Route key={path} path={path}>
              {forGuests.has(path) ? (
                <Guest>
                  <Page />
                </Guest>
              ) : (
                <Page />
              )}
            </Route>
          ))}
          <Route>
            <Home />
          </Route>
        </Switch>
      </Suspense>
    </Shell>
  )
}

/** Whoever is signed in, here or in another tab meanwhile, is led on to where he wanted to be. */
function Guest({ children }: { children: ReactNode }) {
  const signedIn = useSignedIn()
  if (signedIn === undefined) return <Loading />
  return signedIn ? <Redirect to={wayBack.read()} replace /> : children
}

/** The bare address leads to where one would want to go. */
function Home() {
  const signedIn = useSignedIn()
  return signedIn === undefined ? <Loading /> : <Redirect to={signedIn ? '/account' : '/login'} replace />
}

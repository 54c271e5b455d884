import type { Challenge, User } from '@latchkey/contracts/v1/shapes'
import type { ReactNode, Ref } from 'react'
import { Controller } from 'react-hook-form'
import { FormError, PasswordField, Submit } from '../fields.js'
import { useSending } from '../form.js'
import { useSay } from '../locale.js'
import { Page } from '../shell.js'
import { useArrival } from '../sign-in/arrival.js'
import { BackToAccount, keys, queries, SignedIn } from './signed-in.js'

/** A phone or an e-mail while it is typed. */
export interface Typing<A> {
  readonly label: string
  readonly error: string | undefined
  readonly value: A
  readonly onChange: (typed: A) => void
  readonly inputRef: Ref<HTMLInputElement>
}

interface ChangeAddressProps<A> {
  /** As the API, the texts and the pages call it. */
  readonly what: 'phone' | 'email'
  readonly start: (user: User) => A
  readonly isAddress: (typed: A) => boolean
  /** As the API takes it. */
  readonly toText: (typed: A) => string | Promise<string>
  readonly ask: (address: string, proof: { password?: string }) => Promise<{ readonly challenge: Challenge }>
  readonly field: (typing: Typing<A>) => ReactNode
}

/** Another phone or e-mail: the password, then the code that goes to the new one. */
export function ChangeAddress<A>(props: ChangeAddressProps<A>) {
  const say = useSay()
  return <SignedIn title={say(`${props.what}Change.title`)}>{(user) => <Form user={user} {...props} />}</SignedIn>
}

function Form<A>({ user, what, start, isAddress, toText, ask, field }: ChangeAddressProps<A> & { user: User }) {
  const say = useSay()
  const { expect } = useArrival()
  const { form, register, control, busy, wrong, formWrong } = useSending<{ address: unknown; password: string }>({
    start: { address: start(user), password: '' },
    names: { [what]: 'address', password: 'password' },
    send: async ({ address, password }) => {
      const to = await toText(address as A)
      const { challenge } = await ask(to, password === '' ? {} : { password })
      // Whoever comes back has another one by then.
      queries.removeQueries({ queryKey: keys.me })
      expect({ challenge, to, from: `/account/${what}`, next: '/account' })
    },
  })
  return (
    <Page title={say(`${what}Change.title`)} text={say(`${what}Change.text`)} links={<BackToAccount />}>
      <form {...form}>
        <FormError text={formWrong} />
        <Controller
          control={control}
          name="address"
          rules={{ validate: (typed) => isAddress(typed as A) || say(`error.${what}`) }}
          render={({ field: { value, onChange, ref } }) => (
            <>{field({ label: say(what), error: wrong('address'), value: value as A, onChange, inputRef: ref })}</>
          )}
        />
        {user.hasPassword && (
          <PasswordField
            label={say('currentPassword')}
            error={wrong('password')}
            {...register('password', { required: say('error.required') })}
          />
        )}
        <Submit busy={busy}>{say('sendCode')}</Submit>
      </form>
    </Page>
  )
}

import { type ComponentProps, type ReactNode, useId, useState } from 'react'
import { useSay } from './locale.js'

interface AroundProps {
  readonly label: string
  readonly hint?: string | undefined
  readonly error?: string | undefined
}

/** What an input inside a `Field` takes over, so that label, hint and error are said with it. */
export interface FieldIds {
  readonly id: string
  readonly 'aria-invalid': boolean
  readonly 'aria-describedby': string | undefined
}

/** A label, a field, what helps to fill it in, and what is wrong with it. */
export function Field({ label, hint, error, children }: AroundProps & { children: (ids: FieldIds) => ReactNode }) {
  const id = useId()
  const [hintId, errorId] = [`${id}-hint`, `${id}-error`]
  const about = [error !== undefined && errorId, hint !== undefined && hintId].filter((part) => part !== false)
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({
        id,
        'aria-invalid': error !== undefined,
        'aria-describedby': about.length > 0 ? about.join(' ') : undefined,
      })}
      <p className="error" id={errorId} role="alert" hidden={error === undefined}>
        {error}
      </p>
      {hint !== undefined && (
        <p className="hint" id={hintId}>
          {hint}
        </p>
      )}
    </div>
  )
}

/** One line of text. */
export function TextField({ label, hint, error, ...input }: AroundProps & ComponentProps<'input'>) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(ids) => <input type="text" {...input} {...ids} />}
    </Field>
  )
}

/** Enough to tell a slip of the finger; whether it can be written to is the API's to say. */
export const looksLikeEmail = /^\s*\S+@\S+\.\S+\s*$/

/** An e-mail. */
export function EmailField(input: AroundProps & ComponentProps<'input'>) {
  return <TextField {...input} type="email" className="ltr" inputMode="email" autoComplete="email" maxLength={254} />
}

/** A password, which can be looked at. */
export function PasswordField({ label, hint, error, ...input }: AroundProps & ComponentProps<'input'>) {
  const say = useSay()
  const [shown, show] = useState(false)
  return (
    <Field label={label} hint={hint} error={error}>
      {(ids) => (
        <div className="within">
          <input
            autoComplete="current-password"
            {...input}
            {...ids}
            type={shown ? 'text' : 'password'}
            maxLength={128}
          />
          <button type="button" className="quiet small" aria-pressed={shown} onClick={() => show(!shown)}>
            {say(shown ? 'password.hide' : 'password.show')}
          </button>
        </div>
      )}
    </Field>
  )
}

/** A password that is to be: browsers offer to make one up. */
export function NewPasswordField(input: Pick<AroundProps, 'error'> & ComponentProps<'input'>) {
  const say = useSay()
  return (
    <PasswordField
      label={say('newPassword.label')}
      hint={say('newPassword.hint')}
      autoComplete="new-password"
      {...input}
    />
  )
}

/** Sends the form; busy while it is under way, and then deaf to a second press. */
export function Submit({ busy, danger = false, children }: { busy: boolean; danger?: boolean; children: ReactNode }) {
  const say = useSay()
  return (
    <button
      className={danger ? 'danger' : 'primary'}
      type="submit"
      aria-busy={busy}
      onClick={(event) => busy && event.preventDefault()}
    >
      {busy ? say('working') : children}
    </button>
  )
}

/** What is wrong with the whole form; read out when it appears. */
export function FormError({ text }: { text: string | undefined }) {
  return <div role="alert">{text !== undefined && <p className="note wrong">{text}</p>}</div>
}

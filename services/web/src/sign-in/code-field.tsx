import { type Ref, useEffect } from 'react'
import { Field } from '../fields.js'
import { useSay } from '../locale.js'
import { settings } from '../settings.js'
import { westernDigits } from './digits.js'

interface CodeFieldProps {
  readonly inputRef: Ref<HTMLInputElement>
  /** Then the phone is asked for it. */
  readonly bySms: boolean
  readonly value: string
  readonly error: string | undefined
  readonly onChange: (code: string) => void
  /** All digits are there, typed, pasted or filled in by the phone. */
  readonly onComplete: (code: string) => void
}

/** WebOTP, which the DOM's own types do not know yet. */
interface OtpRequest extends CredentialRequestOptions {
  readonly otp: { readonly transport: readonly ['sms'] }
}

const digits = settings.codeDigits

/** One field for all digits: paste, autofill and screen readers meet what they know. */
export function CodeField({ inputRef, bySms, value, error, onChange, onComplete }: CodeFieldProps) {
  const say = useSay()
  function take(text: string): void {
    const code = westernDigits(text).slice(0, digits)
    onChange(code)
    if (code.length === digits && code !== value) onComplete(code)
  }
  useEffect(() => {
    if (!bySms || !('OTPCredential' in window)) return
    const waiting = new AbortController()
    const request: OtpRequest = { otp: { transport: ['sms'] }, signal: waiting.signal }
    navigator.credentials.get(request).then(
      (found) => found !== null && 'code' in found && typeof found.code === 'string' && take(found.code),
      () => undefined,
    )
    return () => waiting.abort()
    // Asked once: the phone answers when the message comes.
  }, [])
  return (
    <Field label={say('code.label')} hint={say('code.hint', { digits })} error={error}>
      {(ids) => (
        <input
          {...ids}
          ref={inputRef}
          // The page is for this field alone.
          autoFocus
          className="code"
          type="text"
          name="code"
          inputMode="numeric"
          autoComplete="one-time-code"
          autoCorrect="off"
          spellCheck={false}
          value={value}
          onChange={({ target }) => take(target.value)}
        />
      )}
    </Field>
  )
}

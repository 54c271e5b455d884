import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { Link, Redirect, useLocation } from 'wouter'
import { isRefusal } from '@latchkey/client/refusal'
import { client } from '../client.js'
import { type Flow, keepFlow, readFlow } from '../flow.js'
import { FormError, PasswordField, Submit } from '../fields.js'
import { useSay } from '../locale.js'
import { tell } from '../refusals.js'
import { settings } from '../settings.js'
import { Page } from '../shell.js'
import { useArrival } from './arrival.js'
import { CodeField } from './code-field.js'
import { Delivery } from './delivery.js'
import { Resend } from './resend.js'

const queries = new QueryClient()

/** Where every code is typed, whatever it is for: the challenge says so. */
export function Code() {
  const [flow, setFlow] = useState(readFlow)
  if (flow === null) return <Redirect to="/login" replace />
  const change = (next: Flow) => {
    keepFlow(next)
    setFlow(next)
  }
  return (
    <QueryClientProvider client={queries}>
      <Answer flow={flow} change={change} />
    </QueryClientProvider>
  )
}

function Answer({ flow, change }: { flow: Flow; change: (flow: Flow) => void }) {
  const say = useSay()
  const { challenge, to, from } = flow
  const input = useRef<HTMLInputElement>(null)
  const password = useRef<HTMLInputElement>(null)
  const { code, setCode, send, busy, wrong, formWrong, over } = useAnswer(flow, change, {
    password: () => password.current?.value ?? '',
    refocus: () => input.current?.focus(),
  })
  return (
    <Page
      title={say('code.title')}
      text={
        to === null
          ? say(challenge.channel === 'sms' ? 'code.sentMaybe' : 'code.mailedMaybe')
          : say('code.sentTo', { digits: settings.codeDigits, to: unbroken(to) })
      }
      links={<Link href={from}>{say(to === null ? 'code.startAgain' : 'code.other')}</Link>}
    >
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          void send(code)
        }}
      >
        <FormError text={formWrong} />
        <CodeField
          inputRef={input}
          bySms={challenge.channel === 'sms'}
          value={code}
          error={wrong}
          onChange={setCode}
          onComplete={(full) => void send(full)}
        />
        {challenge.purpose === 'sign_in' && (
          <details>
            <summary>{say('code.withPassword')}</summary>
            <PasswordField label={say('password')} ref={password} name="password" />
          </details>
        )}
        <Submit busy={busy}>{say('code.submit')}</Submit>
      </form>
      {!over && (
        <div className="row after">
          <Delivery challenge={challenge} />
          <Resend challenge={challenge} onSent={(sent) => change({ ...flow, challenge: sent })} />
        </div>
      )}
    </Page>
  )
}

interface Hands {
  readonly password: () => string
  readonly refocus: () => void
}

/** What is typed, what the gateway said of it, and where a right answer leads. */
function useAnswer(flow: Flow, change: (flow: Flow) => void, { password, refocus }: Hands) {
  const say = useSay()
  const [, go] = useLocation()
  const { arrive } = useArrival()
  const { challenge, next } = flow
  const [code, setCode] = useState('')
  const [busy, setBusy] = useState(false)
  const [wrong, setWrong] = useState<string>()
  const [formWrong, setFormWrong] = useState<string>()
  const [over, setOver] = useState(false)

  async function send(answer: string): Promise<void> {
    if (busy) return
    setWrong(undefined)
    setFormWrong(undefined)
    if (answer === '') return setWrong(say('code.missing'))
    setBusy(true)
    try {
      const secret = password()
      const reply = await client.answerChallenge({
        id: challenge.id,
        code: answer,
        ...(secret !== '' && { password: secret }),
      })
      if ('session' in reply) return arrive(next)
      if ('resetToken' in reply) keepFlow({ ...flow, resetToken: reply.resetToken })
      go(next, { replace: true })
    } catch (error) {
      refused(error)
      refocus()
    } finally {
      setBusy(false)
    }
  }
  function refused(error: unknown): void {
    if (isRefusal(error, 'challenge.wrong')) {
      const left = error.attemptsLeft ?? 0
      setCode('')
      setWrong(say('code.wrong', { count: left }))
      change({ ...flow, challenge: { ...challenge, attemptsLeft: left } })
      if (left === 0) setOver(true)
      return
    }
    if (isRefusal(error, 'challenge.gone')) setOver(true)
    setFormWrong(tell(error, say).form)
  }
  return { code, setCode, send, busy, wrong, formWrong, over }
}

/** A number or address in a sentence of any direction, all on one line. */
const unbroken = (to: string): string => `\u2066${to.replaceAll(' ', '\u00a0')}\u2069`

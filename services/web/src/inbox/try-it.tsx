import type { Problem } from '@latchkey/contracts/endpoint'
import { useState } from 'react'

/** Somebody whom nobody has seen before signs up, so that there is something to look at. */
export function TryIt() {
  const [said, say] = useState('')
  const send = async () => {
    const phone = `+9198${String(crypto.getRandomValues(new Uint32Array(1))[0] ?? 0)
      .padStart(10, '0')
      .slice(-8)}`
    const answer = await fetch('/v1/signup', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ phone }),
    }).catch(() => undefined)
    if (answer?.ok === true) return say(`${phone} signs up.`)
    const problem = (await answer?.json().catch(() => undefined)) as Partial<Problem> | undefined
    say(problem?.detail ?? 'The gateway does not answer.')
  }
  return (
    <section className="panel try" aria-label="Try it">
      <button type="button" className="primary" onClick={() => void send()}>
        Send a code to a new number
      </button>
      <p className="soft small" role="status">
        {said === '' ? 'Or sign up on the sign-in page, or by the API, with any mobile number.' : said}
      </p>
    </section>
  )
}

import type { Challenge } from '@latchkey/contracts/v1/shapes'
import { useEffect, useState } from 'react'
import { client } from '../client.js'
import { useSay } from '../locale.js'
import { tell } from '../refusals.js'

interface ResendProps {
  readonly challenge: Challenge
  readonly onSent: (challenge: Challenge) => void
}

/** Sends the code again, once it may be. The time stands in the challenge, so a reload does not begin it anew. */
export function Resend({ challenge, onSent }: ResendProps) {
  const say = useSay()
  const seconds = useSecondsUntil(challenge.resendAt)
  const [busy, setBusy] = useState(false)
  const [wrong, setWrong] = useState<string>()
  if (challenge.resendsLeft === 0) return <p className="soft small">{say('resend.none')}</p>

  async function resend(): Promise<void> {
    setBusy(true)
    setWrong(undefined)
    try {
      onSent((await client.resendChallenge({ id: challenge.id })).challenge)
    } catch (error) {
      setWrong(tell(error, say).form)
    } finally {
      setBusy(false)
    }
  }
  const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
  return (
    <>
      <button type="button" className="bordered" disabled={seconds > 0 || busy} onClick={() => void resend()}>
        {seconds > 0 ? say('resend.in', { time }) : say('resend')}
      </button>
      <div role="alert">{wrong !== undefined && <p className="error">{wrong}</p>}</div>
    </>
  )
}

/** Whole seconds until a time of the gateway's, counted down. */
function useSecondsUntil(time: string): number {
  const left = () => Math.max(0, Math.ceil((Date.parse(time) - client.now()) / 1_000))
  const [seconds, setSeconds] = useState(left)
  useEffect(() => {
    setSeconds(left())
    const ticking = setInterval(() => setSeconds(left()), 250)
    return () => clearInterval(ticking)
  }, [time])
  return seconds
}

import { isRefusal } from '@latchkey/client/refusal'
import type { Challenge } from '@latchkey/contracts/v1/shapes'
import { useQuery } from '@tanstack/react-query'
import { client } from '../client.js'
import { useSay } from '../locale.js'

/** How often we look, by what was found: nothing changes any more after these, until the code is sent again. */
const lookAgainMs = { queued: 1_000, sent: 4_000, delivered: 0, failed: 0, expired: 0 } as const

/** What became of the message, in words, as it becomes so. */
export function Delivery({ challenge }: { challenge: Challenge }) {
  const say = useSay()
  const { data, error } = useQuery({
    // A message sent again is another one.
    queryKey: ['challenge', challenge.id, challenge.resendsLeft],
    queryFn: () => client.getChallenge({ id: challenge.id }),
    refetchInterval: ({ state }) => (state.data === undefined ? 2_000 : lookAgainMs[state.data.delivery] || false),
    retry: false,
  })
  const known = data?.delivery
  const text = isRefusal(error, 'network.failed', 'network.timeout')
    ? say('error.offline')
    : known === 'failed'
      ? say(challenge.channel === 'sms' ? 'delivery.failed' : 'delivery.failedMail', {
          reason: say(`reason.${data?.reasonCode ?? 'carrier_failed'}`),
        })
      : say(`delivery.${known ?? 'queued'}`)
  return (
    <p role="status" className={`delivery small ${known ?? 'queued'}`}>
      {text}
    </p>
  )
}

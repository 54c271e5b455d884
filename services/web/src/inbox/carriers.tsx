import { type Ailment, ailments } from '@latchkey/contracts/dev/ailments'
import type { SandboxCarrier } from '@latchkey/contracts/dev/carriers'
import { useState } from 'react'
import { useNow } from './feed.js'
import type { View } from './story.js'
import { buttons } from './words.js'

const names = Object.keys(ailments) as Ailment[]
const times = { 30: '30 s', 60: '1 minute', 300: '5 minutes' }

/** The carriers of development, and what makes them ill. */
export function Carriers({ carriers, out }: Pick<View, 'carriers' | 'out'>) {
  const [forSeconds, setForSeconds] = useState(60)
  const [wrong, setWrong] = useState('')
  const ail = (lane: string, ailment: Ailment | null): void => {
    fetch(`/dev/carriers/${lane}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ailment, forSeconds }),
    })
      .then(({ ok }) => setWrong(ok ? '' : 'The gateway refused that.'))
      .catch(() => setWrong('The gateway does not answer.'))
  }

  return (
    <section className="panel" aria-labelledby="carriers">
      <div className="row">
        <h2 id="carriers">Carriers</h2>
        <label className="for">
          ill for{' '}
          <select value={forSeconds} onChange={({ target }) => setForSeconds(Number(target.value))}>
            {Object.entries(times).map(([seconds, words]) => (
              <option key={seconds} value={seconds}>
                {words}
              </option>
            ))}
          </select>
        </label>
      </div>
      {carriers.length === 0 && <p className="soft">The worker has not said yet which carriers it has.</p>}
      {carriers.map((carrier) => (
        <Carrier key={carrier.lane} carrier={carrier} out={out.get(carrier.lane)} ail={ail} />
      ))}
      {wrong !== '' && (
        <p className="error" role="alert">
          {wrong}
        </p>
      )}
    </section>
  )
}

interface CarrierProps {
  readonly carrier: SandboxCarrier
  readonly out: 'ill' | 'barred' | undefined
  readonly ail: (lane: string, ailment: Ailment | null) => void
}

function Carrier({ carrier: { lane, suffers }, out, ail }: CarrierProps) {
  const now = useNow(1_000)
  const leftMs = suffers === null ? 0 : Date.parse(suffers.until) - now
  const ailment = leftMs > 0 ? suffers?.ailment : undefined
  return (
    <div className="carrier" role="group" aria-label={lane}>
      <div className="row">
        <h3>{lane}</h3>
        <p className={ailment === undefined ? 'badge well' : 'badge ill'}>
          {ailment === undefined ? 'well' : `${ailments[ailment]} · ${Math.ceil(leftMs / 1_000)} s left`}
        </p>
      </div>
      {out !== undefined && (
        <p className="soft small">
          Most of its calls failed: the worker keeps messages away from it, and tries it now and then.
        </p>
      )}
      <div className="ailments">
        {names.map((name) => (
          <button
            key={name}
            type="button"
            className="bordered"
            aria-pressed={ailment === name}
            title={ailments[name]}
            onClick={() => ail(lane, ailment === name ? null : name)}
          >
            {buttons[name]}
          </button>
        ))}
        <button type="button" className="quiet" disabled={ailment === undefined} onClick={() => ail(lane, null)}>
          Make well
        </button>
      </div>
    </div>
  )
}

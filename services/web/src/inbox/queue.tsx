import { useNow } from './feed.js'
import { type Attempt, isPlayed, type Story, toneOf } from './story.js'
import { clockWithSeconds, outcomes, purposeOf, spaced, states, stretch } from './words.js'

/** What becomes of each message: its job, its attempts, its receipt, and how long each took. */
export function Queue({ stories }: { readonly stories: readonly Story[] }) {
  return (
    <section className="panel" aria-labelledby="queue">
      <h2 id="queue">On the way</h2>
      {stories.length === 0 && <p className="soft">Nothing was sent in the last hour.</p>}
      <ol className="stories">
        {stories.slice(0, shown).map((story) => (
          <Told key={story.id} story={story} />
        ))}
      </ol>
    </section>
  )
}

const shown = 25

function Told({ story }: { readonly story: Story }) {
  const { id, at, purpose = 'message', to, state } = story
  return (
    <li className="story">
      <div className="row">
        <p>
          <strong>{purposeOf(purpose)}</strong>
          {to !== undefined && <span className="soft"> to {spaced(to)}</span>}
        </p>
        <p className={`badge ${toneOf(story)}`}>{isPlayed(story) ? 'for nobody' : states[state]}</p>
      </div>
      <p className="soft tiny">
        <time dateTime={new Date(at).toISOString()}>{clockWithSeconds(at)}</time> · job m-{id.slice(0, 8)}…
      </p>
      {isPlayed(story) && (
        <p className="soft small">
          Nobody has an account there, so nothing is sent. The job waits as a real one would: nobody can tell.
        </p>
      )}
      <Bar story={story} />
      <ol className="steps">
        {stepsOf(story).map(({ key, atMs, text, tone, tookMs }) => (
          <li key={key} className={tone}>
            <span className="when">+{stretch(atMs)}</span>
            <span>{text}</span>
            {tookMs !== undefined && <span className="took">{stretch(tookMs)}</span>}
          </li>
        ))}
      </ol>
    </li>
  )
}

interface Step {
  readonly key: string
  readonly atMs: number
  readonly text: string
  readonly tone: string
  readonly tookMs?: number
}

function stepsOf(story: Story): Step[] {
  const { at, attempts, waits, state, stateAt, receipt } = story
  const after = (moment: number) => Math.max(0, moment - at)
  const first = attempts[0]?.startedAt
  const waited = first === undefined ? {} : { tookMs: first - at }
  const ended = state !== 'queued' && state !== 'sending'
  const steps: Step[] = [
    { key: 'queued', atMs: 0, text: 'queued', tone: 'plain', ...waited },
    ...attempts.map((attempt) => ({ ...stepOf(attempt), atMs: after(attempt.startedAt) })),
    ...waits.map(({ at: since, forMs }) => ({
      key: `wait ${since}`,
      atMs: after(since),
      text: 'waits, and comes again',
      tone: 'plain',
      tookMs: forMs,
    })),
    ...(receipt === undefined
      ? []
      : [
          { key: 'receipt', atMs: after(receipt.at), text: `receipt: ${receipt.says ?? receipt.state}`, tone: 'plain' },
        ]),
    ...(ended ? [{ key: 'end', atMs: after(stateAt), text: states[state], tone: toneOf(story) }] : []),
  ]
  return steps.toSorted((a, b) => a.atMs - b.atMs)
}

function stepOf({ number, lane, outcome, first, says, startedAt, endedAt }: Attempt): Omit<Step, 'atMs'> {
  const key = `attempt ${number}`
  const who = `attempt ${number}, ${lane}: `
  if (outcome === undefined || endedAt === undefined) return { key, text: `${who}calling …`, tone: 'going' }
  const tookMs = endedAt - startedAt
  if (first === 'unknown' && outcome === 'accepted')
    return { key, text: `${who}no answer; asked again, it had taken it`, tone: 'well', tookMs }
  const why = says === undefined || outcome === 'accepted' ? outcomes[outcome] : says
  return { key, text: `${who}${why}`, tone: outcome === 'accepted' ? 'well' : 'ill', tookMs }
}

/** Waiting and calling, as long as they took, beside each other. */
function Bar({ story }: { readonly story: Story }) {
  const { at, attempts, stateAt } = story
  const going = toneOf(story) === 'going'
  const now = useNow(going ? 250 : 3_600_000)
  const end = Math.max(stateAt, ...attempts.map(({ endedAt = 0 }) => endedAt), going ? now : 0)
  const parts: { key: string; tone: string; ms: number }[] = []
  let place = at
  for (const { number, startedAt, endedAt = end, outcome } of attempts) {
    parts.push({ key: `before ${number}`, tone: 'rest', ms: startedAt - place })
    const tone = outcome === undefined ? 'going' : outcome === 'accepted' ? 'well' : 'ill'
    parts.push({ key: `call ${number}`, tone, ms: endedAt - startedAt })
    place = endedAt
  }
  parts.push({ key: 'rest', tone: 'rest', ms: end - place })
  return (
    <div className="track" aria-hidden="true">
      {parts.map(({ key, tone, ms }) => (
        <span key={key} className={tone} style={{ flexGrow: Math.max(0, ms) }} />
      ))}
    </div>
  )
}

import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import { settings } from '../settings.js'
import type { Arrival } from './story.js'
import { clock, spaced } from './words.js'

/** A phone that has every number: messages as they came in, newest at the bottom. */
export function Phone({ arrived }: { readonly arrived: readonly Arrival[] }) {
  const [chosen, choose] = useState('')
  const numbers = [...new Set(arrived.toReversed().map(({ to }) => to))]
  const shown = arrived.filter(({ to }) => chosen === '' || to === chosen)
  const [copied, setCopied] = useState('')
  const thread = useRef<HTMLOListElement>(null)
  useLayoutEffect(() => {
    thread.current?.scrollTo({ top: thread.current.scrollHeight })
  }, [shown.length])

  return (
    <section className="phone" aria-label="Phone">
      <div className="screen">
        <div className="status" aria-hidden="true">
          <span>{clock(Date.now())}</span>
          <span className="camera" />
          <span>5G</span>
        </div>
        <div className="sender">
          <span className="mark" aria-hidden="true">
            {Array.from(settings.brand.name)[0]}
          </span>
          <h2>{settings.brand.name}</h2>
          <select aria-label="Number" value={chosen} onChange={({ target }) => choose(target.value)}>
            <option value="">All numbers</option>
            {numbers.map((number) => (
              <option key={number} value={number}>
                {spaced(number)}
              </option>
            ))}
          </select>
        </div>
        {/* Who reads by keyboard has to be able to scroll. */}
        <ol className="thread" ref={thread} tabIndex={0} aria-label="Messages">
          {shown.length === 0 && <li className="empty">No messages yet. Whatever is sent appears here.</li>}
          {shown.map((message) => (
            <Bubble key={`${message.messageId}-${message.attempt}`} message={message} onCopied={setCopied} />
          ))}
        </ol>
        <div className="home" aria-hidden="true" />
      </div>
      <p className="toast" role="status">
        {copied}
      </p>
      <Announced arrived={arrived} />
    </section>
  )
}

interface BubbleProps {
  readonly message: Arrival
  readonly onCopied: (what: string) => void
}

function Bubble({ message: { to, subject, body, code, at, lane, attempt }, onCopied }: BubbleProps) {
  const [before, after] = code === null ? [body, ''] : halves(body, code)
  return (
    <li className="bubble">
      <p className="whose">
        <span>{spaced(to)}</span> <time dateTime={at}>{clock(at)}</time>
      </p>
      <p className="text">
        {subject !== undefined && <strong className="subject">{subject}</strong>}
        <Linked text={before} />
        {code !== null && <Code code={code} onCopied={onCopied} />}
        {after}
      </p>
      <p className="way">
        by {lane}, attempt {attempt}
      </p>
    </li>
  )
}

/** As a phone does it: an address in a text can be followed. */
function Linked({ text }: { readonly text: string }) {
  return text.split(/(https?:\S+)/).map((part, at) =>
    at % 2 === 0 ? (
      part
    ) : (
      <a key={part} href={part}>
        {part}
      </a>
    ),
  )
}

function Code({ code, onCopied }: { readonly code: string; readonly onCopied: (what: string) => void }) {
  const button = useRef<HTMLButtonElement>(null)
  const copy = (): void => {
    Promise.resolve()
      .then(() => navigator.clipboard.writeText(code))
      .then(() => onCopied(`Copied ${code}`))
      .catch(() => {
        // Without leave, or over plain HTTP from elsewhere, it is marked, so that the keyboard can do it.
        if (button.current !== null) getSelection()?.selectAllChildren(button.current)
        onCopied('Marked: copy it with the keyboard')
      })
  }
  return (
    <button ref={button} type="button" className="take" aria-label={`Copy ${code}`} onClick={copy}>
      {code}
    </button>
  )
}

const halves = (body: string, code: string): [string, string] => {
  const at = body.indexOf(code)
  return [body.slice(0, at), body.slice(at + code.length)]
}

/** Says aloud what comes in from now on; not what was there already. */
function Announced({ arrived }: { readonly arrived: readonly Arrival[] }) {
  const [since] = useState(Date.now)
  const [said, say] = useState('')
  const last = arrived.at(-1)
  useEffect(() => {
    if (last === undefined || Date.parse(last.at) < since) return
    say(`New message to ${last.to}${last.code === null ? '' : `: ${last.code}`}`)
  }, [last, since])
  return (
    <p className="hidden" role="status">
      {said}
    </p>
  )
}

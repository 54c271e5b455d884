import { settings } from '../settings.js'
import { Carriers } from './carriers.js'
import { type Line, useFeed } from './feed.js'
import { Phone } from './phone.js'
import { Queue } from './queue.js'
import { TryIt } from './try-it.js'

const lines: Readonly<Record<Line, string>> = {
  connecting: 'Connecting …',
  live: 'Live',
  away: 'The gateway does not answer; trying again',
}

/** The phone in the box, beside what happens on the way to it. */
export function Inbox() {
  const { view, line } = useFeed()
  return (
    <>
      <header className="bar">
        <h1>{settings.brand.name}: the phone in the box</h1>
        <p className={`line ${line}`} role="status">
          {lines[line]}
        </p>
        <nav>
          <a href="/">Sign-in</a> <a href="/docs/">API</a>
        </nav>
      </header>
      <main className="inbox">
        <Phone arrived={view.arrived} />
        <div className="beside">
          <TryIt />
          <Carriers carriers={view.carriers} out={view.out} />
          <Queue stories={view.stories} />
        </div>
      </main>
    </>
  )
}

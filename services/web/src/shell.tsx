import { useLingui } from '@lingui/react'
import { type ReactNode, useEffect, useRef } from 'react'
import { chooseLanguage, type Language, languages, useSay } from './locale.js'
import { settings } from './settings.js'

/** What stands around every page: whose it is, and in which language. */
export function Shell({ children }: { children: ReactNode }) {
  return (
    <>
      <Head />
      {children}
      <Foot />
    </>
  )
}

function Head() {
  const { name, logo } = settings.brand
  return (
    <header className="head">
      {logo === null ? (
        <span className="mark" aria-hidden="true">
          {name.slice(0, 1)}
        </span>
      ) : (
        <img src={logo} alt="" />
      )}
      <span>{name}</span>
    </header>
  )
}

function Foot() {
  const say = useSay()
  const { i18n } = useLingui()
  return (
    <footer className="foot">
      <select
        aria-label={say('language')}
        value={i18n.locale}
        onChange={({ target }) => void chooseLanguage(target.value as Language)}
      >
        {Object.entries(languages).map(([language, name]) => (
          <option key={language} value={language} lang={language}>
            {name}
          </option>
        ))}
      </select>
    </footer>
  )
}

interface PageProps {
  readonly title: string
  readonly text?: string
  readonly wide?: boolean
  /** Outside the card: where else one may go. */
  readonly links?: ReactNode
  readonly children?: ReactNode
}

/** A page: its title is the window's, and takes the focus when one comes here from another page. */
export function Page({ title, text, wide = false, links, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · ${settings.brand.name}`
  }, [title])
  useEffect(() => {
    // A field that wants the focus has it by now.
    if (document.activeElement === document.body || document.activeElement === null) heading.current?.focus()
  }, [])
  return (
    <main className={wide ? 'wide' : ''}>
      <div className="card">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {text !== undefined && <p className="soft">{text}</p>}
        {children}
      </div>
      {links !== undefined && <nav className="links small">{links}</nav>}
    </main>
  )
}

/** Something is on its way. */
export function Loading() {
  const say = useSay()
  return (
    <main>
      <p className="soft" role="status">
        {say('loading')}
      </p>
    </main>
  )
}

/** A page that could not be fetched. What was typed and asked for is kept for this tab, so it can be loaded anew. */
export function Unreachable() {
  const say = useSay()
  return (
    <Page title={say('unreachable.title')} text={say('error.offline')}>
      <button type="button" className="primary" onClick={() => location.reload()}>
        {say('again')}
      </button>
    </Page>
  )
}

import SMTPConnection from 'nodemailer/lib/smtp-connection'
import type { Broken } from './smtp-codes.js'

/** How long a connection waits for the next mail: shorter than mail servers and what stands before them wait (RFC 5321 has them wait five minutes). */
export const lineIdleMs = 20_000
/** After so many mails a connection is given up, as servers do it. */
const mailsPerLine = 100
/** More wait for nothing. */
const mostIdle = 10

/** A connection to a mail server, let in. It takes one mail after another, and the server may end it at any time. */
export interface Line {
  readonly connection: SMTPConnection
  /** How many it has brought. */
  mails: number
  /** Told once, when the connection breaks or ends. */
  onEnd: (broken: Broken) => void
}

interface LinesNeeds {
  readonly options: ConstructorParameters<typeof SMTPConnection>[0]
  readonly login?: { readonly user: string; readonly password: string } | undefined
  readonly idleMs: number
}

/** The connections to one mail server: those that wait for a mail are taken again, the latest first. */
export function createLines({ options, login, idleMs }: LinesNeeds) {
  const idle: { readonly line: Line; readonly timer: NodeJS.Timeout }[] = []
  let closed = false

  function leave(line: Line): void {
    const at = idle.findIndex((each) => each.line === line)
    if (at !== -1) clearTimeout(idle.splice(at, 1)[0]?.timer)
  }

  return {
    /** One that waits, if any does. */
    takeIdle(): Line | undefined {
      const last = idle.pop()
      clearTimeout(last?.timer)
      return last?.line
    },
    /** A new one; `ready` once the server has let us in. What goes wrong before and after is told to `onEnd`. */
    open(onEnd: Line['onEnd'], ready: (line: Line) => void): Line {
      const connection = new SMTPConnection(options)
      const line: Line = { connection, mails: 0, onEnd }
      connection.on('error', (error: Broken) => line.onEnd(error))
      connection.on('end', () => line.onEnd({}))
      connection.connect(() => {
        if (login === undefined) return ready(line)
        const { user, password: pass } = login
        connection.login({ credentials: { user, pass } }, (error) => (error === null ? ready(line) : line.onEnd(error)))
      })
      return line
    },
    /** It brought a mail, and may wait for the next. */
    keep(line: Line): void {
      const { connection } = line
      line.mails += 1
      line.onEnd = () => leave(line)
      if (closed || line.mails >= mailsPerLine || idle.length >= mostIdle) return connection.quit()
      const timer = setTimeout(() => {
        leave(line)
        connection.quit()
      }, idleMs)
      idle.push({ line, timer })
    },
    /** Those that wait are ended; those under way once their mail is. */
    close(): void {
      closed = true
      for (const { line, timer } of idle.splice(0)) {
        clearTimeout(timer)
        line.connection.quit()
      }
    },
  }
}

import type { FeedEvent } from '@latchkey/contracts/dev/feed'
import { useEffect, useReducer, useState } from 'react'
import { nothing, tell, type View } from './story.js'

export type Line = 'connecting' | 'live' | 'away'

const againMs = 2_000

/** What happens, live. The browser itself comes again where it was; where it was sent away, it begins anew. */
export function useFeed(): { readonly view: View; readonly line: Line } {
  const [view, dispatch] = useReducer(tell, nothing)
  const [line, setLine] = useState<Line>('connecting')
  useEffect(() => {
    let source: EventSource
    let timer: ReturnType<typeof setTimeout> | undefined
    const open = () => {
      source = new EventSource('/dev/inbox/events')
      source.onopen = () => setLine('live')
      source.onmessage = ({ data }: MessageEvent<string>) => dispatch(JSON.parse(data) as FeedEvent)
      source.onerror = () => {
        setLine('away')
        if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, againMs)
      }
    }
    open()
    return () => {
      clearTimeout(timer)
      source.close()
    }
  }, [])
  return { view, line }
}

/** The time, told anew so often. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}

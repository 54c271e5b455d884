import type { Store } from '../store.js'

/** Where the picture keeps what it has, its logs, and what it unpacked. */
export interface Place {
  readonly dir: string
  readonly logDir: string
  readonly cache: string
}

/** A process of the picture: it may be killed, and started again where it was. */
export interface Member {
  /** For people: what it is, and which of them. */
  readonly name: string
  readonly port: number
  alive(): boolean
  /** The process as it is now. */
  pid(): number
  /** SIGKILL, and until it is gone. */
  kill(): Promise<void>
  /** Starts one that has ended; resolves when it can work. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Keeps a server of the picture: `start` is called again, for the same port, after each of its ends. */
export async function keepMember(
  name: string,
  port: number,
  start: () => Promise<Pick<Store, 'pid' | 'ended' | 'stop'>>,
): Promise<Member> {
  let running = await start()
  let alive = true
  const watch = () => {
    const { ended } = running
    alive = true
    void ended?.then(() => (alive = running.ended !== ended))
  }
  watch()
  return {
    name,
    port,
    alive: () => alive,
    pid: () => running.pid ?? 0,
    async kill() {
      process.kill(running.pid ?? 0, 'SIGKILL')
      await running.ended
    },
    async restart() {
      running = await start()
      watch()
    },
    stop: () => running.stop(),
  }
}

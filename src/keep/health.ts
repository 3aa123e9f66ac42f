/**
 * What is unwell, looked at in the background so that no request waits for it: the store, files, web servers and TCP
 * servers that the configuration names, and the upstreams as their last answers tell. A finding never stands between a
 * client and stored content.
 */
import { connect } from 'node:net'
import type { StorageDriver } from '../store/driver.ts'
import { describeOutage } from '../upstream/outage.ts'
import type { Upstream } from '../upstream/upstream.ts'

/** A check that runs by itself. Resolves when well, rejects with what is wrong. */
export interface Check {
  readonly name: string
  readonly intervalMs: number
  /** Failures in a row until it counts. */
  readonly threshold: number
  readonly run: () => Promise<void>
}

/** The store can be listed. */
export const checkStorage = (driver: StorageDriver) => async (): Promise<void> => {
  await driver.list('', undefined, 1)
}

/** A TCP server takes connections. */
export const checkTcp = (addr: string, timeoutMs: number) => (): Promise<void> =>
  new Promise((resolve, reject) => {
    const colon = addr.lastIndexOf(':')
    const socket = connect({ host: addr.slice(0, colon) || '127.0.0.1', port: Number(addr.slice(colon + 1)) })
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no connection within ${timeoutMs} ms`)))
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
  })

/** A web server answers a `HEAD` with the expected status. */
export const checkHttp =
  (uri: string, headers: Readonly<Record<string, readonly string[]>>, status: number, timeoutMs: number) =>
  async (): Promise<void> => {
    const pairs = Object.entries(headers).flatMap(([name, values]) =>
      values.map((value): [string, string] => [name, value]),
    )
    const answer = await fetch(uri, {
      method: 'HEAD',
      headers: pairs,
      signal: AbortSignal.timeout(timeoutMs),
    })
    if (answer.status !== status) throw new Error(`answered ${answer.status}, not ${status}`)
  }

/** The store is down: stored content cannot be served. */
export const STORAGE_CHECK = 'storagedriver'

const describeUpstream = (upstream: Upstream): string | undefined => {
  const { refusedCredentials, isReachable, lastError, outageUntilMs } = upstream.health()
  if (outageUntilMs !== undefined) return describeOutage(outageUntilMs)
  return refusedCredentials ?? (isReachable === false ? (lastError ?? 'not reachable') : undefined)
}

/** Runs the checks and keeps what they found. */
export class Health {
  readonly #checks: readonly Check[]
  readonly #upstreams: readonly Upstream[]
  readonly #failures = new Map<string, { count: number; message: string }>()
  readonly #timers: NodeJS.Timeout[] = []
  #isDown = false

  constructor(checks: readonly Check[], upstreams: readonly Upstream[]) {
    this.#checks = checks
    this.#upstreams = upstreams
  }

  /** Begins to run the checks. */
  start(): void {
    for (const check of this.#checks)
      this.#timers.push(setInterval(() => void this.#run(check), check.intervalMs).unref())
    for (const check of this.#checks) void this.#run(check)
  }

  /** Ends them. */
  stop(): void {
    for (const timer of this.#timers) clearInterval(timer)
  }

  /** The manual check: an operator, or a shutdown, asks to be taken out of rotation. */
  setDown(isDown: boolean): void {
    this.#isDown = isDown
  }

  /** Whether stored content can be served and nobody asked for a drain. */
  get isReady(): boolean {
    return (
      !this.#isDown &&
      ![...this.#findings()].some(([name]) => name === STORAGE_CHECK || name.startsWith('file '))
    )
  }

  /** Everything that is unwell, by check. */
  get findings(): Readonly<Record<string, string>> {
    const unwell = this.#upstreams.flatMap((upstream) => {
      const problem = describeUpstream(upstream)
      return problem === undefined ? [] : [[`upstream ${upstream.name}`, problem] as const]
    })
    const manual = this.#isDown ? [['manual_http_status', 'taken out of rotation'] as const] : []
    return Object.fromEntries([...this.#findings(), ...unwell, ...manual])
  }

  *#findings(): Generator<readonly [string, string]> {
    for (const { name, threshold } of this.#checks) {
      const failure = this.#failures.get(name)
      if (failure !== undefined && failure.count >= Math.max(1, threshold)) yield [name, failure.message]
    }
  }

  async #run({ name, run }: Check): Promise<void> {
    try {
      await run()
      this.#failures.delete(name)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      this.#failures.set(name, { count: (this.#failures.get(name)?.count ?? 0) + 1, message })
    }
  }
}

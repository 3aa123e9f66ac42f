/** Many small requests on kept connections, each sent as soon as the answer to the one before is whole. */
import { quantile } from '../measure/statistics.ts'
import { Connection, formatRequest, type Target } from './connection.ts'

/** What to ask, and how. */
export interface Requests {
  readonly target: Target
  readonly method: 'GET' | 'HEAD'
  /** Asked in turn. */
  readonly paths: readonly string[]
  readonly connections: number
  /** Ends after so long, in milliseconds, */
  readonly forMs?: number
  /** or after so many requests, or with {@link endRequests}. */
  readonly count?: number
  /** Pause of a connection between an answer and its next request, in milliseconds; default 0. */
  readonly pauseMs?: number
}

/** How it went. */
export interface Requested {
  readonly requests: number
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
}

let isEnding = false

/** Ends the requests under way, each with its answer. */
export const endRequests = async (): Promise<void> => {
  isEnding = true
}

/** Asks as `order` says. @throws Error where an answer is not a 200 */
export const request = async (order: Requests): Promise<Requested> => {
  const { target, method, connections, pauseMs = 0, count = Number.POSITIVE_INFINITY } = order
  isEnding = false
  const requests = order.paths.map((path) => formatRequest(method, path))
  const latencies: number[] = []
  const beganAtMs = performance.now()
  const endsAtMs = order.forMs === undefined ? Number.POSITIVE_INFINITY : beganAtMs + order.forMs
  let sent = 0

  const run = (connection: Connection): Promise<void> =>
    new Promise((resolve, reject) => {
      let askedAtMs = 0
      const ask = (): void => {
        askedAtMs = performance.now()
        if (isEnding || askedAtMs >= endsAtMs || sent >= count) {
          resolve()
          return
        }
        const next = requests[sent % requests.length] as Buffer
        sent += 1
        connection.send(next, method === 'HEAD', listener)
      }
      const listener = {
        onHead: ({ status, text }: { status: number; text: string }) => {
          if (status !== 200) reject(new Error(`a ${method} was answered:\n${text}`))
        },
        onEnd: () => {
          latencies.push(performance.now() - askedAtMs)
          if (pauseMs === 0) ask()
          else setTimeout(ask, pauseMs)
        },
        onFailure: reject,
      }
      ask()
    })

  const open = Array.from({ length: connections }, () => Connection.open(target))
  try {
    await Promise.all(open.map(run))
  } finally {
    for (const connection of open) connection.close()
  }
  return {
    requests: latencies.length,
    seconds: (performance.now() - beganAtMs) / 1000,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  }
}

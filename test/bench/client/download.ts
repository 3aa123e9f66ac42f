/** Clients that read one blob, all at once, and drop what comes. */
import { Connection, formatRequest, type Target } from './connection.ts'

/** What to read. */
export interface Download {
  readonly target: Target
  readonly path: string
  readonly clients: number
  /** How often each reads it, one after the other on one connection; default 1. */
  readonly times?: number
  /** Each asks for something trifling first, so that its connection is open when the clock starts. */
  readonly greets?: boolean
  /** Each leaves after so many bytes; unset: all of it. */
  readonly leaveAfterBytes?: number | undefined
}

/** What came. Times are milliseconds on the clock of `performance.timeOrigin`, which all processes share. */
export interface Downloaded {
  readonly bytes: number
  readonly beganAtMs: number
  readonly endedAtMs: number
  /** From each client's connecting to its first byte of body, in milliseconds. */
  readonly firstByteMs: readonly number[]
  /** The same to its last byte. */
  readonly lastByteMs: readonly number[]
}

const nowMs = (): number => performance.timeOrigin + performance.now()

interface OneRead {
  readonly bytes: number
  readonly firstByteAtMs: number
}

interface ClientRead extends OneRead {
  readonly lastByteAtMs: number
}

const GREETING = formatRequest('GET', '/v2/')

/** Reads one answer, or the beginning of it. */
const read = (connection: Connection, request: Buffer, leaveAfterBytes: number): Promise<OneRead> =>
  new Promise((resolve, reject) => {
    let bytes = 0
    let firstByteAtMs = 0
    connection.send(request, false, {
      onHead: ({ status, text }) => {
        if (status !== 200) reject(new Error(`a blob was answered:\n${text}`))
      },
      onBody: (more) => {
        if (bytes === 0) firstByteAtMs = nowMs()
        bytes += more
        if (bytes < leaveAfterBytes) return
        connection.close()
        resolve({ bytes, firstByteAtMs })
      },
      onEnd: () => resolve({ bytes, firstByteAtMs }),
      onFailure: reject,
    })
  })

const greet = (connection: Connection): Promise<void> =>
  new Promise((resolve, reject) => {
    connection.send(GREETING, false, { onEnd: () => resolve(), onFailure: reject })
  })

const readTimes = async (connection: Connection, order: Download): Promise<ClientRead> => {
  const { path, times = 1, leaveAfterBytes = Number.POSITIVE_INFINITY } = order
  const request = formatRequest('GET', path)
  const first = await read(connection, request, leaveAfterBytes)
  let { bytes } = first
  for (let time = 1; time < times; time += 1)
    bytes += (await read(connection, request, leaveAfterBytes)).bytes
  return { bytes, firstByteAtMs: first.firstByteAtMs, lastByteAtMs: nowMs() }
}

/** Reads as `order` says. @throws Error where any answer is not a whole 200 */
export const download = async (order: Download): Promise<Downloaded> => {
  const connect = (): Connection => Connection.open(order.target)
  const greeted = order.greets === true ? Array.from({ length: order.clients }, connect) : []
  await Promise.all(greeted.map(greet))
  const beganAtMs = nowMs()
  const connections = order.greets === true ? greeted : Array.from({ length: order.clients }, connect)
  try {
    const reads = await Promise.all(connections.map((connection) => readTimes(connection, order)))
    return {
      bytes: reads.reduce((sum, { bytes }) => sum + bytes, 0),
      beganAtMs,
      endedAtMs: Math.max(...reads.map(({ lastByteAtMs }) => lastByteAtMs)),
      firstByteMs: reads.map(({ firstByteAtMs }) => firstByteAtMs - beganAtMs),
      lastByteMs: reads.map(({ lastByteAtMs }) => lastByteAtMs - beganAtMs),
    }
  } finally {
    for (const connection of connections) connection.close()
  }
}

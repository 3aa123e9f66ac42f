/** Sends a body the way a fault says: cut, stalled, corrupted, throttled. */
import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Content } from '../bytes.ts'
import type { ScriptedFault } from './faults.ts'

const flipByte = (chunk: Buffer, at: number): Buffer => {
  if (at < 0 || at >= chunk.length) return chunk
  const copy = Buffer.from(chunk)
  copy[at] = (copy[at] ?? 0) ^ 0xff
  return copy
}

/** Resolves when `chunk` was handed to the system, or rejects when the client has gone. */
const write = (res: ServerResponse, chunk: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    if (res.destroyed) return reject(new Error('the client has gone'))
    const onClose = () => reject(new Error('the client has gone'))
    res.once('close', onClose)
    res.write(chunk, (error) => {
      res.off('close', onClose)
      if (error) reject(error)
      else resolve()
    })
  })

/** Cuts chunks so that one ends exactly at each of `marks`. */
async function* splitAt(chunks: AsyncIterable<Buffer>, marks: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0
  for await (const chunk of chunks) {
    let rest = chunk
    for (const mark of marks) {
      if (mark <= at || mark >= at + rest.length) continue
      yield rest.subarray(0, mark - at)
      rest = rest.subarray(mark - at)
      at = mark
    }
    yield rest
    at += rest.length
  }
}

async function* padded(content: Content, first: number, last: number, extra: number): AsyncGenerator<Buffer> {
  yield* content.stream(first, Math.min(last, content.sizeBytes - 1))
  if (extra > 0) yield Buffer.alloc(extra, 'x')
}

/** What became of a body: a client that leaves may have had less of it. */
export interface Sent {
  readonly bytes: number
  readonly isWhole: boolean
}

/**
 * Sends the bytes `first` to `last` of `content` and ends the answer, unless `script` forbids. Resolves when nothing is
 * left to do, also when the client leaves.
 * @param onBytes told of bytes before they are sent
 * @returns how many bytes were sent, as far as can be told here, and whether that was all of them
 */
export const sendContent = async (
  res: ServerResponse,
  content: Content,
  first: number,
  last: number,
  script: ScriptedFault | undefined,
  onBytes: (bytes: number) => void,
): Promise<Sent> => {
  const fault = script?.fault ?? {}
  const marks = [fault.dropAt, fault.hangAt].filter((mark) => mark !== undefined).sort((a, b) => a - b)
  const extra = Math.max(0, last + 1 - Math.max(content.sizeBytes, first))
  let at = 0
  let bytes = 0
  const pauseOrDrop = async (): Promise<boolean> => {
    if (at === fault.hangAt || at === fault.dropAt) res.flushHeaders()
    if (at === fault.hangAt) await script?.hang()
    return at === fault.dropAt
  }
  const cut = (): Sent => {
    res.destroy()
    return { bytes, isWhole: false }
  }
  try {
    if (await pauseOrDrop()) return cut()
    for await (const chunk of splitAt(padded(content, first, last, extra), marks)) {
      bytes += chunk.length
      onBytes(chunk.length)
      await write(res, fault.corruptAt === undefined ? chunk : flipByte(chunk, fault.corruptAt - at))
      at += chunk.length
      if (await pauseOrDrop()) return cut()
      if (fault.bytesPerSecond !== undefined) await sleep((chunk.length / fault.bytesPerSecond) * 1000)
    }
    if (Number(res.getHeader('content-length') ?? at) > at) return cut()
    res.end()
    return { bytes, isWhole: true }
  } catch {
    return cut()
  }
}

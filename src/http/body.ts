/** Request bodies: small ones read whole, and what is left of those that nobody wants any more. */
import type { IncomingMessage } from 'node:http'
import type { RegistryError } from '../protocol/error.ts'

/** Longest time for a small body, in milliseconds: who sends a byte a minute holds a connection for nothing. */
const TIMEOUT_MS = 2 * 60_000

/**
 * Reads a body to its end. It need not say its length; one that is too long is refused as soon as that is known, and one
 * that takes too long is cut off.
 * @param maxBytes longest body that is taken
 * @param refuse makes the error for a longer one
 */
export const readBody = async (
  req: IncomingMessage,
  maxBytes: number,
  refuse: () => RegistryError,
  timeoutMs: number = TIMEOUT_MS,
): Promise<Buffer> => {
  if (Number(req.headers['content-length'] ?? 0) > maxBytes) throw refuse()
  const timer = setTimeout(() => req.destroy(new Error('the body of a request took too long')), timeoutMs)
  try {
    return await collect(req, maxBytes, refuse)
  } finally {
    clearTimeout(timer)
  }
}

const collect = async (
  req: IncomingMessage,
  maxBytes: number,
  refuse: () => RegistryError,
): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let length = 0
  // Not destroyed when the loop is left early: the answer goes out on the same connection.
  for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBytes) throw refuse()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

/** How long an answered client may go on sending what nobody reads, in milliseconds; then its connection is closed. */
const LINGER_MS = 30_000

/**
 * Takes what is left of a body and drops it, so that a client who is still sending gets to read the answer. Node does so
 * by itself only where nothing of the body was read.
 */
export const discardBody = (req: IncomingMessage): void => {
  if (req.complete || req.destroyed) return
  const timer = setTimeout(() => {
    if (!req.complete) req.socket.destroy()
  }, LINGER_MS).unref()
  req.once('close', () => clearTimeout(timer))
  req.resume()
}

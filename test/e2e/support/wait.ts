/** Waiting for what another process does: asked again and again, since it cannot tell us, and never without a deadline. */
import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 50

/**
 * Resolves as soon as `probe` says yes; a probe that throws says no.
 * @throws Error that names `what` and the last error of the probe, after `timeoutMs`
 */
export const waitUntil = async (
  what: string,
  probe: () => Promise<boolean> | boolean,
  timeoutMs: number,
): Promise<void> => {
  const deadlineMs = Date.now() + timeoutMs
  let lastError: unknown
  while (Date.now() < deadlineMs) {
    try {
      if (await probe()) return
    } catch (error) {
      lastError = error
    }
    await sleep(POLL_MS)
  }
  throw new Error(`${what} did not happen within ${timeoutMs} ms`, { cause: lastError })
}

/** Whether anything answers HTTP at `url`, with whatever status. */
export const answersHttp = async (url: string): Promise<boolean> => {
  const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(2000) })
  await response.body?.cancel()
  return true
}

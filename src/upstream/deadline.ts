/** Ends work after a time, or when the caller does not want it any more. */

/**
 * Runs `work` with a signal that is aborted by `parent`, with its reason, or after `ms` with what `late` makes. The work
 * must end when its signal is aborted.
 */
export const withDeadline = async <T>(
  ms: number,
  parent: AbortSignal | undefined,
  late: () => Error,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  parent?.throwIfAborted()
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(late()), ms)
  const onAbort = () => controller.abort(parent?.reason)
  parent?.addEventListener('abort', onAbort, { once: true })
  try {
    return await work(controller.signal)
  } finally {
    clearTimeout(timer)
    parent?.removeEventListener('abort', onAbort)
  }
}

/** Waits for `promise`, which others wait for too, no longer than until `signal`; rejects with its reason. */
export const abandonable = async <T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
  if (signal === undefined) return await promise
  let onAbort: () => void = () => {}
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** A call of the port that is made of several requests, which share its deadline. */
import type { CallOptions } from './upstream.ts'

/** Options for each request of such a call: what is left of the call's time when it begins. */
export const shareDeadline = (options: CallOptions, defaultMs: number): (() => CallOptions) => {
  const endAtMs = performance.now() + (options.deadlineMs ?? defaultMs)
  return () => ({ ...options, deadlineMs: Math.max(1, endAtMs - performance.now()) })
}

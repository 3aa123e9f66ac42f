/**
 * Whether the time of a change can be relied on. What changed just now may change again without showing it, since a file
 * system's time is only so exact: what is remembered together with such a time would be believed for ever.
 */

/**
 * How long ago a change must be, in milliseconds: most file systems go by the kernel's ticks, the coarsest by steps of
 * 2 s. Clocks may differ a little.
 */
const SETTLED_AFTER_MS = { ticks: 1_000, seconds: 5_000 }

/**
 * Whether whatever changed then cannot have changed again without showing it. A time that is no whole second is no coarse
 * one.
 * @param nowMs when it was looked at, or later, if before it was read; like `changedAtMs` since the epoch
 */
export const isSettled = (changedAtMs: number, nowMs: number): boolean =>
  nowMs - changedAtMs > (changedAtMs % 1000 === 0 ? SETTLED_AFTER_MS.seconds : SETTLED_AFTER_MS.ticks)

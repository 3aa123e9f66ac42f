/**
 * Durations as text ↔ milliseconds. distribution's keys take Go's strings (`1h30m`, `300ms`; no days) or a bare
 * integer of nanoseconds; entrepot's own keys take the same strings and days, and need a unit (design §5).
 */

/** Milliseconds in each unit of a Go duration (`time.ParseDuration`). */
const GO_UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

const DAY_MS = 86_400_000
const NANOSECONDS_PER_MS = 1e6

/** Longest duration that Go can hold: 2^63 nanoseconds, 292 years. */
const MAX_DURATION_MS = 2 ** 63 / NANOSECONDS_PER_MS

const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h|d)/y

/** Longest time that a timer can wait, 24 days and a bit: Node ends a longer one at once. */
const MAX_WAIT_MS = 2 ** 31 - 1

/** What a Go duration looks like, for messages. */
export const GO_DURATION_FORM = 'a duration such as 300ms, 10s, 1h30m or 168h, or whole nanoseconds'

/** What a duration of entrepot's own keys looks like, for messages. */
export const DURATION_FORM = 'a duration with its unit, such as 300ms, 10s, 1h30m or 7d, or 0'

const roundToNanoseconds = (ms: number): number => {
  const wholeMs = Math.trunc(ms)
  return wholeMs + Math.round((ms - wholeMs) * NANOSECONDS_PER_MS) / NANOSECONDS_PER_MS
}

const sumParts = (text: string, units: Readonly<Record<string, number>>): number | undefined => {
  let sumMs = 0
  PART.lastIndex = 0
  for (let end = 0; end < text.length; end = PART.lastIndex) {
    const match = PART.exec(text)
    const unitMs = match?.[2] === undefined ? undefined : units[match[2]]
    if (match?.[1] === undefined || unitMs === undefined) return undefined
    sumMs += Number(match[1]) * unitMs
  }
  return text === '' ? undefined : sumMs
}

const parseWith = (text: string, units: Readonly<Record<string, number>>): number | undefined => {
  const sign = /^[+-]/.exec(text)?.[0] ?? ''
  const rest = text.slice(sign.length)
  const sumMs = rest === '0' ? 0 : sumParts(rest, units)
  if (sumMs === undefined || sumMs > MAX_DURATION_MS) return undefined
  return sign === '-' && sumMs !== 0 ? -roundToNanoseconds(sumMs) : roundToNanoseconds(sumMs)
}

/**
 * Milliseconds of a duration in a key of distribution's: a Go string, or an integer of nanoseconds.
 * @returns `undefined` where `value` is neither; negative durations are durations
 */
export const parseGoDuration = (value: string | number): number | undefined => {
  if (typeof value === 'string') return parseWith(value, GO_UNITS_MS)
  return Number.isInteger(value) ? roundToNanoseconds(value / NANOSECONDS_PER_MS) : undefined
}

/**
 * Milliseconds of a duration in a key of entrepot's own: `10s`, `1h30m`, `7d`, or `0` without a unit.
 * @returns `undefined` for anything else, a bare number and a negative duration among them
 */
export const parseDuration = (text: string): number | undefined => {
  const ms = parseWith(text, { ...GO_UNITS_MS, d: DAY_MS })
  return ms === undefined || ms < 0 ? undefined : ms
}

/** A duration as text that {@link parseDuration} and {@link parseGoDuration} read back exactly: `1h30m`, `1.5ms`, `0s`. */
export const formatDuration = (durationMs: number): string => {
  if (durationMs < 0) return `-${formatDuration(-durationMs)}`
  let restMs = durationMs
  let text = ''
  for (const unit of ['h', 'm', 's'] as const) {
    const unitMs = GO_UNITS_MS[unit] ?? 1
    const count = Math.floor(restMs / unitMs)
    restMs -= count * unitMs
    if (count > 0) text += `${count}${unit}`
  }
  if (restMs > 0) text += `${Number(restMs.toFixed(6))}ms`
  return text === '' ? '0s' : text
}

/** A duration that is waited for: no longer than a timer can. `undefined` stays what it is. */
export const capWait = (ms: number | undefined): number | undefined =>
  ms === undefined ? undefined : Math.min(ms, MAX_WAIT_MS)

/** Sizes, shares and times as people read them. Pure. */

const KIBI = 1024
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

const SECOND_MS = 1000
/** Units of a span, the largest first, in milliseconds. */
const SPANS: readonly (readonly [name: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', SECOND_MS],
]

/** A size with three figures and its unit: `0 B`, `1.50 KiB`, `12.3 MiB`, `345 GiB`. */
export const formatBytes = (sizeBytes: number): string => {
  let value = sizeBytes
  let unit = 0
  // 1023.5 would be written as 1024.
  while (value >= KIBI - 0.5 && unit < UNITS.length - 1) {
    value /= KIBI
    unit += 1
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
  return `${value.toFixed(digits)} ${UNITS[unit]}`
}

/** A share of 1 in per cent: `98.2 %`. */
export const formatShare = (share: number): string => `${(share * 100).toFixed(1)} %`

/** A span in its two largest units: `3 d 4 h`, `12 min`, `45 s`; below a second `0 s`. */
export const formatSpan = (spanMs: number): string => {
  const first = SPANS.findIndex(([, ms]) => spanMs >= ms)
  if (first === -1) return '0 s'
  const parts: string[] = []
  let restMs = spanMs
  for (const [name, ms] of SPANS.slice(first, first + 2)) {
    const count = Math.floor(restMs / ms)
    restMs -= count * ms
    if (count > 0) parts.push(`${count} ${name}`)
  }
  return parts.join(' ')
}

/**
 * How far a time is from now, in its largest unit: `just now`, `5 min ago`, `in 2 h`; `never` where there is none.
 * @param at ISO 8601, as the admin API writes times
 */
export const formatAgo = (at: string | undefined, nowMs: number): string => {
  if (at === undefined) return 'never'
  const sinceMs = nowMs - Date.parse(at)
  if (Number.isNaN(sinceMs)) return at
  const [name, ms] = SPANS.find(([, each]) => Math.abs(sinceMs) >= each) ?? ['', 0]
  if (ms <= SECOND_MS && Math.abs(sinceMs) < 2 * SECOND_MS) return 'just now'
  const span = `${Math.floor(Math.abs(sinceMs) / ms)} ${name}`
  return sinceMs < 0 ? `in ${span}` : `${span} ago`
}

/** `1 tag`, `2 tags`, `0 tags`; `1 repository`, `2 repositories`. */
export const formatCount = (count: number, thing: string): string =>
  `${count} ${count === 1 ? thing : thing.endsWith('y') ? `${thing.slice(0, -1)}ies` : `${thing}s`}`

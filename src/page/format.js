/** Figures as people read them. Pure: the time comes in, nothing of the browser is used. */

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/**
 * Three digits that count: 512 B, 1.50 kB, 34.2 MB, 120 GB.
 * @param {number} value at least 0
 */
export const formatBytes = (value) => {
  let unit = 0
  let rest = value
  // 999.5 would be written as 1000
  while (rest >= 999.5 && unit < BYTE_UNITS.length - 1) {
    rest /= 1000
    unit += 1
  }
  const digits = unit === 0 || rest >= 99.95 ? 0 : rest >= 9.995 ? 1 : 2
  return `${rest.toFixed(digits)} ${BYTE_UNITS[unit]}`
}

/** 1234567 → 1,234,567. @param {number} value */
export const formatCount = (value) => value.toLocaleString('en')

/** @param {number} value bytes, exactly */
export const formatExactBytes = (value) => `${formatCount(value)} bytes`

/**
 * A part of 1 in per cent. Only everything is 100 %, and only nothing is 0 %.
 * @param {number | undefined} ratio
 */
export const formatRatio = (ratio) => {
  if (ratio === undefined || Number.isNaN(ratio)) return '–'
  const percent = ratio * 100
  if (percent === 0 || percent === 100) return `${percent} %`
  const shown = Math.min(99.9, Math.max(0.1, Math.round(percent * 10) / 10))
  return `${shown.toFixed(1)} %`
}

/** @type {readonly (readonly [unit: string, seconds: number])[]} */
const TIME_UNITS = [
  ['y', 31_557_600],
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
]

/** The largest unit that fits: 45 s, 12 min, 3 h, 8 d. @param {number} ms at least 0 */
export const formatDuration = (ms) => {
  const seconds = Math.round(ms / 1000)
  if (seconds === 0) return '< 1 s'
  const [unit, length] = TIME_UNITS.find(([, length]) => seconds >= length) ?? ['s', 1]
  return `${Math.floor(seconds / length)} ${unit}`
}

/** Times closer than this are now, in milliseconds. */
const NOW_MS = 5_000

/**
 * A time, seen from another: just now, 3 h ago, in 9 min.
 * @param {number} atMs
 * @param {number} nowMs
 */
export const formatRelative = (atMs, nowMs) => {
  const distance = atMs - nowMs
  if (Math.abs(distance) < NOW_MS) return 'just now'
  return distance < 0 ? `${formatDuration(-distance)} ago` : `in ${formatDuration(distance)}`
}

/** Hexadecimal digits of a shortened digest, as docker shows it. */
const SHORT_DIGITS = 12

/** sha256:0123456789abcdef… → 0123456789ab. @param {string} digest */
export const shortenDigest = (digest) => {
  const colon = digest.indexOf(':')
  return digest.slice(colon + 1, colon + 1 + SHORT_DIGITS)
}

/**
 * 1 tag, 3 tags.
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export const formatAmount = (count, one, many = `${one}s`) =>
  `${formatCount(count)} ${count === 1 ? one : many}`

/** A text to look for → a glob that finds it anywhere in a name; a glob stays as it is. @param {string} text */
export const toGlob = (text) => (/[*?[\]{}!()]/.test(text) ? text : `**/*${text}*{,/**}`)

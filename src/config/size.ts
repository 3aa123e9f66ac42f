/**
 * Sizes as text ↔ bytes, in entrepot's own keys: plain bytes, powers of 1000 (kB, MB, GB, TB) or of 1024 (KiB, MiB,
 * GiB, TiB), and for budgets a share in per cent (design §5).
 */

/** A size in bytes, or a share of something whose size is known only at run time. */
export type Amount = { readonly bytes: number } | { readonly percent: number }

/** Bytes in each unit, by its name in lower case. */
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

const SIZE = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i
const PERCENT = /^(\d+(?:\.\d+)?) ?%$/

/** What a size looks like, for messages. */
export const SIZE_FORM =
  'bytes, or a size such as 500MB, 20GB (powers of 1000), 64KiB or 20GiB (powers of 1024)'

/** What an amount looks like, for messages. */
export const AMOUNT_FORM = `${SIZE_FORM}, or a share such as 5%`

/**
 * Bytes of a size: `20GiB`, `500 MB`, `1048576`. Units may be written in any case; fractions of a byte are dropped.
 * @returns `undefined` for anything else, and for more bytes than a number counts exactly
 */
export const parseSize = (text: string): number | undefined => {
  const match = SIZE.exec(text)
  const unit = UNITS[match?.[2]?.toLowerCase() ?? '?']
  if (match?.[1] === undefined || unit === undefined) return undefined
  const bytes = Math.floor(Number(match[1]) * unit)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** A size, or a share from 0 % to 100 %. */
export const parseAmount = (text: string): Amount | undefined => {
  const percent = PERCENT.exec(text)?.[1]
  if (percent !== undefined) return Number(percent) <= 100 ? { percent: Number(percent) } : undefined
  const bytes = parseSize(text)
  return bytes === undefined ? undefined : { bytes }
}

/** A size as text that {@link parseSize} reads back exactly, in the largest unit that divides it: `20GiB`, `1500`. */
export const formatSize = (sizeBytes: number): string => {
  for (const unit of ['TiB', 'TB', 'GiB', 'GB', 'MiB', 'MB', 'KiB', 'kB']) {
    const unitBytes = UNITS[unit.toLowerCase()] ?? 1
    if (sizeBytes > 0 && sizeBytes % unitBytes === 0) return `${sizeBytes / unitBytes}${unit}`
  }
  return `${sizeBytes}`
}

/** An amount as text that {@link parseAmount} reads back. */
export const formatAmount = (amount: Amount): string =>
  'percent' in amount ? `${amount.percent}%` : formatSize(amount.bytes)

/**
 * Pages of the tags list and of the catalog: `?n=` and `?last=` (distribution-spec 1.1, Listing Tags), and the byte
 * order that both go by.
 */
import { RegistryError } from './error.ts'

/** What a client asks of a list. */
export interface PageRequest {
  /** Most entries wanted; `undefined`: all of them. 0 is an empty page. */
  readonly limit: number | undefined
  /** The page begins strictly after this text, which need not be an entry. */
  readonly after: string | undefined
}

/** How large a page may be. */
export interface PageLimits {
  /** Entries of a page where the client does not say; `undefined`: all of them. */
  readonly defaultLimit: number | undefined
  /** Most entries that a client gets by asking for a number. */
  readonly maxLimit: number
  /** Asked for more: give `maxLimit` (and a link to the rest), or an error. Default `clamp`. */
  readonly whenOver?: 'clamp' | 'refuse'
}

/** A value of a parsed query string; of a repeated parameter the first counts. */
type QueryValue = string | readonly string[] | undefined

const firstOf = (value: QueryValue): string | undefined => {
  const text = typeof value === 'object' ? value[0] : value
  return text === '' ? undefined : text
}

const invalid = (n: string, message: string): RegistryError =>
  new RegistryError('PAGINATION_NUMBER_INVALID', { message, detail: { n: n.slice(0, 40) } })

/**
 * What `?n=` and `?last=` ask for. A parameter without a value counts as absent, as in distribution.
 * @throws RegistryError `PAGINATION_NUMBER_INVALID`: `n` is negative or no integer, or more than may be asked for
 */
export const parsePage = (query: { n?: QueryValue; last?: QueryValue }, limits: PageLimits): PageRequest => {
  const after = firstOf(query.last)
  const n = firstOf(query.n)
  if (n === undefined) return { limit: limits.defaultLimit, after }
  if (!/^\d+$/.test(n)) throw invalid(n, 'invalid number of results requested: n is not a number from 0 up')
  if (Number(n) > limits.maxLimit && limits.whenOver === 'refuse')
    throw invalid(n, `invalid number of results requested: n is more than ${limits.maxLimit}`)
  return { limit: Math.min(Number(n), limits.maxLimit), after }
}

/** The order of two texts: negative, 0, positive. */
export type Comparison = (a: string, b: string) => number

/**
 * Byte order, for tags and digests. JavaScript's own order of strings is that of their UTF-8 bytes as long as one of
 * the two is ASCII, which every entry of a list is; `last` may be anything.
 */
export const compareBytes: Comparison = (a, b) => (a < b ? -1 : a > b ? 1 : 0)

const SLASH = 0x2f

/** The order of repositories in a catalog: component by component, that is, `/` comes before every other byte. */
export const compareNames: Comparison = (a, b) => {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const ours = a.charCodeAt(i)
    const theirs = b.charCodeAt(i)
    if (ours !== theirs) return ours === SLASH ? -1 : theirs === SLASH ? 1 : ours - theirs
  }
  return a.length - b.length
}

/** A page of a list. */
export interface Page {
  readonly items: readonly string[]
  /** What `last` of the next page is; `undefined`: there is none. */
  readonly next: string | undefined
}

/** Where the first entry after `text` is. */
const indexAfter = (sorted: readonly string[], text: string, compare: Comparison): number => {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compare(sorted[middle]!, text) <= 0) low = middle + 1
    else high = middle
  }
  return low
}

/** Cuts a page out of a list that is in the order of `compare`. An empty page has no next, so that nobody loops. */
export const cutPage = (
  sorted: readonly string[],
  { limit, after }: PageRequest,
  compare: Comparison = compareBytes,
): Page => {
  const start = after === undefined ? 0 : indexAfter(sorted, after, compare)
  const items = sorted.slice(start, limit === undefined ? undefined : start + limit)
  return { items, next: start + items.length < sorted.length ? items.at(-1) : undefined }
}

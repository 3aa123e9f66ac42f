/** Reads a list of an upstream page by page (distribution-spec 1.1, Listing tags and Listing referrers). */
import { parseNextLink } from '../protocol/link.ts'
import type { Reply } from './reply.ts'
import { UpstreamError } from './upstream.ts'

/** Most pages of one list. */
const MAX_PAGES = 1000
/** Most entries of one list. */
const MAX_ENTRIES = 500_000
/** Largest page, in bytes. */
export const MAX_PAGE_BYTES = 16 * 1024 * 1024

/** The JSON object in a reply. @throws UpstreamError `status` where it is none */
export const readObject = (reply: Reply, what: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(reply.bytes.toString())
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>
  } catch {
    // Told below, with what was asked.
  }
  throw new UpstreamError('status', `${what}: answered with what is no list`, { status: reply.status })
}

/** Where the next page is: on the same host, whatever scheme a server behind a TLS proxy believes to speak. */
const nextOf = (reply: Reply, asked: URL, what: string): URL | undefined => {
  const link = parseNextLink(reply.headers.link)
  if (link === undefined || !URL.canParse(link, reply.url.href)) return undefined
  const next = new URL(link, reply.url)
  next.protocol = asked.protocol
  if (next.host === asked.host) return next
  throw new UpstreamError(
    'forbidden',
    `${what}: its next page is on another host, ${next.host}: not followed`,
  )
}

/**
 * All entries of a list, each once by its key. Ends where there is no next page, or the next brings nothing new.
 * @param ask fetches a page
 * @param read the entries of a page, by key
 * @throws UpstreamError what `ask` throws; `status` for a list without end
 */
export const readPages = async <T>(
  first: URL,
  what: string,
  ask: (url: URL) => Promise<Reply>,
  read: (reply: Reply) => Iterable<readonly [key: string, entry: T]>,
): Promise<T[]> => {
  const entries = new Map<string, T>()
  let url: URL | undefined = first
  for (let pages = 0; url !== undefined; pages += 1) {
    if (pages === MAX_PAGES || entries.size > MAX_ENTRIES)
      throw new UpstreamError(
        'status',
        `${what}: a list of more than ${pages} pages or ${MAX_ENTRIES} entries`,
      )
    const reply = await ask(url)
    const knownBefore = entries.size
    for (const [key, entry] of read(reply)) entries.set(key, entry)
    url = entries.size === knownBefore ? undefined : nextOf(reply, url, what)
  }
  return [...entries.values()]
}

/**
 * Follows redirects as registries need it (design, Upstream manners): relative ones resolved first, credentials never
 * to another origin, never from https to http, not without end.
 */
import { type Answer, discard, headerOf } from './answer.ts'
import type { Exchange } from './exchange.ts'
import { UpstreamError } from './upstream.ts'

/** Most redirects for one request. */
const MAX_REDIRECTS = 10

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** Headers that are meant for one origin alone. */
const PERSONAL: ReadonlySet<string> = new Set(['authorization', 'cookie'])

const resolve = (location: string, base: URL): URL | undefined => {
  try {
    const url = new URL(location, base)
    url.hash = ''
    return url
  } catch {
    return undefined
  }
}

const refuse = (url: URL, why: string): UpstreamError =>
  new UpstreamError('forbidden', `${url.host} redirects ${why}: not followed`)

/** Where an answer leads, or `undefined` where it is no redirect. @throws UpstreamError `forbidden` */
const targetOf = ({ status, headers, url }: Answer): URL | undefined => {
  const location = headerOf(headers, 'location')
  if (!REDIRECTS.has(status) || location === undefined) return undefined
  const target = resolve(location, url)
  if (target === undefined)
    throw new UpstreamError('status', `${url.host} redirects to what is no URL`, { status })
  if (target.protocol !== 'https:' && target.protocol !== 'http:') throw refuse(url, `to ${target.protocol}`)
  if (url.protocol === 'https:' && target.protocol === 'http:') throw refuse(url, 'from https to http')
  if (target.username !== '' || target.password !== '') throw refuse(url, 'to a URL with credentials')
  return target
}

/** The same request for `url`: without what was meant for the first origin alone, if that is left. */
const redirected = (request: Exchange, url: URL, headMs: number): Exchange => {
  if (url.origin === request.url.origin) return { ...request, url, headMs }
  const headers = Object.entries(request.headers).filter(([name]) => !PERSONAL.has(name.toLowerCase()))
  return { ...request, url, headMs, headers: Object.fromEntries(headers) }
}

/**
 * Sends a `GET` or `HEAD` and follows where it leads; `headMs` of the request covers all hops.
 * @throws UpstreamError `forbidden` for a redirect that is not allowed, besides what `send` throws
 */
export const follow = async (
  send: (request: Exchange) => Promise<Answer>,
  request: Exchange,
): Promise<Answer> => {
  const endAtMs = performance.now() + request.headMs
  let current = request
  for (let hops = 0; ; hops += 1) {
    const answer = await send(current)
    try {
      const target = targetOf(answer)
      if (target === undefined) return answer
      if (hops === MAX_REDIRECTS) throw refuse(answer.url, `more than ${MAX_REDIRECTS} times`)
      current = redirected(current, target, Math.max(1, endAtMs - performance.now()))
    } catch (error) {
      answer.body.destroy()
      throw error
    }
    discard(answer.body)
  }
}

/** Posts to one endpoint, over one connection that is kept. */
import { Agent, type Dispatcher, ProxyAgent, request } from 'undici'

/** Most of an answer's body that is read, in bytes: nobody looks at it. */
const MAX_ANSWER_BYTES = 64 * 1024

/** Where to post. */
export interface PostOptions {
  /** May hold a user and a password. */
  readonly url: string
  /** Name → values, sent besides those that are due; one of these names takes its place. */
  readonly headers: Readonly<Record<string, readonly string[]>>
  readonly mediaType: string
  /** URL of the proxy to go through; `undefined`: none. */
  readonly proxy: string | undefined
}

/** What posts bodies, in turn. */
export interface Poster {
  /** Posts a body. @returns the status of the answer. @throws whatever kept it from coming, or the reason of `signal` */
  post(body: string, signal: AbortSignal): Promise<number>
  close(): Promise<void>
}

const basicOf = ({ username, password }: URL): string =>
  `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`

const headersOf = ({ headers, mediaType }: PostOptions, url: URL): Record<string, string[]> => {
  const own: Record<string, string[]> = {
    'content-type': [mediaType],
    ...(url.username !== '' && { authorization: [basicOf(url)] }),
  }
  const configured = Object.entries(headers).map(([name, values]) => [name.toLowerCase(), [...values]])
  return { ...own, ...(Object.fromEntries(configured) as Record<string, string[]>) }
}

const openDispatcher = (proxy: string | undefined): Dispatcher =>
  proxy === undefined
    ? new Agent({ connections: 1 })
    : // Plain HTTP is asked of the proxy as such: many forbid tunnels to port 80.
      new ProxyAgent({ uri: proxy, connections: 1, proxyTunnel: false })

/** Opens what posts to an endpoint. */
export const createPoster = (options: PostOptions): Poster => {
  const url = new URL(options.url)
  const headers = headersOf(options, url)
  url.username = ''
  url.password = ''
  const dispatcher = openDispatcher(options.proxy)
  return {
    async post(body, signal) {
      const answer = await request(url, { method: 'POST', headers, body, signal, dispatcher })
      await answer.body.dump({ limit: MAX_ANSWER_BYTES, signal })
      return answer.statusCode
    },
    close: () => dispatcher.destroy(),
  }
}

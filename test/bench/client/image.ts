/**
 * A pull of a whole image in the manner of dockerd: ping, token where one is wanted, manifest, then config and layers,
 * three at a time; redirects are followed, connections kept.
 */
import { readFileSync } from 'node:fs'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { json } from 'node:stream/consumers'
import { ACCEPT } from './connection.ts'

/** What to pull. */
export interface ImagePull {
  /** `http://host:port`. */
  readonly registry: string
  readonly name: string
  readonly tag: string
  /** PEM file of the authority of hosts that are redirected to. */
  readonly caFile?: string | undefined
  /** Blobs at once. */
  readonly atOnce: number
}

interface Manifest {
  readonly config: { readonly digest: string }
  readonly layers: readonly { readonly digest: string }[]
}

const REALM = /realm="([^"]*)"/

/** One client with its connections and its token. */
class Puller {
  readonly #order: ImagePull
  readonly #plain = new http.Agent({ keepAlive: true })
  readonly #tls: https.Agent
  #token: string | undefined

  constructor(order: ImagePull) {
    this.#order = order
    const ca = order.caFile === undefined ? undefined : readFileSync(order.caFile)
    this.#tls = new https.Agent({ keepAlive: true, ca })
  }

  async pull(): Promise<void> {
    const { registry, name, tag, atOnce } = this.#order
    const ping = await this.#get(`${registry}/v2/`)
    ping.resume()
    if (ping.statusCode === 401) await this.#fetchToken(ping.headers['www-authenticate'] ?? '')
    const answer = await this.#getWhole(`${registry}/v2/${name}/manifests/${tag}`)
    const { config, layers } = (await json(answer)) as Manifest
    const waiting = [config, ...layers].map(({ digest }) => digest)
    const lane = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
        await this.#drop(`${registry}/v2/${name}/blobs/${next}`)
    }
    await Promise.all(Array.from({ length: atOnce }, lane))
  }

  close(): void {
    this.#plain.destroy()
    this.#tls.destroy()
  }

  async #fetchToken(challenge: string): Promise<void> {
    const realm = REALM.exec(challenge)?.[1] ?? ''
    const scope = `repository:${this.#order.name}:pull`
    const answer = await this.#getWhole(`${realm}?service=upstream&scope=${encodeURIComponent(scope)}`)
    this.#token = ((await json(answer)) as { token: string }).token
  }

  async #drop(url: string): Promise<void> {
    const answer = await this.#getWhole(url)
    for await (const _chunk of answer);
  }

  async #getWhole(url: string): Promise<IncomingMessage> {
    const answer = await this.#get(url)
    const { statusCode, headers } = answer
    if (statusCode === 307 && headers.location !== undefined) {
      answer.resume()
      return this.#getWhole(headers.location)
    }
    if (statusCode !== 200) throw new Error(`${url} was answered ${statusCode}`)
    return answer
  }

  #get(url: string): Promise<IncomingMessage> {
    const isTls = url.startsWith('https:')
    const isOwn = url.startsWith(this.#order.registry)
    const authorization = this.#token === undefined ? {} : { Authorization: `Bearer ${this.#token}` }
    const headers = { Accept: ACCEPT, ...(isOwn && authorization) }
    return new Promise((resolve, reject) => {
      const request = isTls
        ? https.get(url, { agent: this.#tls, headers }, resolve)
        : http.get(url, { agent: this.#plain, headers }, resolve)
      request.on('error', reject)
    })
  }
}

/** Pulls an image. @returns seconds */
export const pullImage = async (order: ImagePull): Promise<number> => {
  const puller = new Puller(order)
  const beganAtMs = performance.now()
  try {
    await puller.pull()
    return (performance.now() - beganAtMs) / 1000
  } finally {
    puller.close()
  }
}

/**
 * An upstream that follows a script: a real HTTP server on a free loopback port that serves repositories as a registry
 * does, counts what it is asked, and goes wrong as it is told.
 *
 *     const hub = await startScriptedUpstream({ tokens: { users: { alice: 'secret' } }, redirect: {} })
 *     const image = hub.addImage('library/alpine', 'latest', { layers: [100_000] })
 *     const drop = hub.fault('blob', { dropAt: 1000, times: 3 })   // faults wait in line; each request meets the first
 *     const hang = hub.fault('cdn', { hangAt: 5000 })
 *     // … entrepot with `proxy.remoteurl: ${hub.url}`
 *     await hang.met                                               // a request stands at byte 5000
 *     hang.release()
 *     assert.equal(hub.counts.blob, 4)                             // GETs of blobs
 *     await hub.stop()                                             // connections refused; `start()` opens the same port
 *     await hub.close()
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Content } from './bytes.ts'
import { type ImageOptions, makeImage, type TestImage, type TestManifest } from './images.ts'
import { jsonAnswer, writeAnswer } from './scripted/answers.ts'
import {
  type ActiveFault,
  type Fault,
  REQUEST_KINDS,
  type RequestKind,
  ScriptedFault,
  type SeenRequest,
} from './scripted/faults.ts'
import { Origin, type TlsPair } from './scripted/origin.ts'
import {
  answerRequest,
  type RegistryRules,
  type RegistryState,
  type Route,
  routeOf,
} from './scripted/registry.ts'
import { ScriptedRepositories } from './scripted/repositories.ts'
import { type TokenRules, TokenService } from './scripted/token-service.ts'

/** How a scripted upstream is set up; by default everything is public and served directly. */
export interface ScriptedUpstreamOptions extends RegistryRules {
  readonly tokens?: TokenRules
  /** With it, both origins speak TLS. */
  readonly tls?: TlsPair
}

/** See the top of this file. */
export class ScriptedUpstream {
  /** Every request seen, in order. */
  readonly requests: SeenRequest[] = []
  /** Requests by kind, since the start or the last {@link resetCounts}. `manifest` and `blob` are GETs. */
  readonly counts = Object.fromEntries(REQUEST_KINDS.map((kind) => [kind, 0])) as Record<RequestKind, number>
  /** Bytes of bodies sent since then, and those of them that belonged to answers which were cut or left. */
  sentBytes = 0
  cutBytes = 0
  readonly #rules: RegistryRules
  readonly #tokens: TokenService | undefined
  readonly #repositories = new ScriptedRepositories()
  readonly #faults: { kind: RequestKind; script: ScriptedFault }[] = []
  readonly #registry: Origin
  readonly #cdn: Origin
  #signature = 1

  constructor({ tokens, tls, ...rules }: ScriptedUpstreamOptions) {
    this.#rules = rules
    this.#tokens = tokens && new TokenService(tokens)
    const listener = (req: IncomingMessage, res: ServerResponse) => {
      this.#serve(req, res).catch(() => res.destroy())
    }
    this.#registry = new Origin(listener, tls)
    this.#cdn = new Origin(listener, tls)
  }

  /** Own origin: `http://127.0.0.1:<port>`, or `https`. */
  get url(): string {
    return this.#registry.url
  }

  /** Own host with the port. */
  get host(): string {
    return new URL(this.url).host
  }

  /** Origin that blobs are redirected to. */
  get cdnUrl(): string {
    return this.#cdn.url
  }

  /** Sockets open now, on both origins. */
  get openSockets(): number {
    return this.#registry.openSockets + this.#cdn.openSockets
  }

  /** Makes an image (or takes one that is made) and puts it into a repository, under a tag or by digest alone. */
  addImage(name: string, tag?: string, image: ImageOptions | TestImage = {}): TestImage {
    const made = 'manifest' in image ? image : makeImage(image)
    this.#repositories.addImage(name, tag, made)
    return made
  }

  /** Puts a manifest or an index into a repository. A tag that is there already moves. */
  addManifest(name: string, tag: string | undefined, manifest: TestManifest): TestManifest {
    this.#repositories.addManifest(name, tag, manifest)
    return manifest
  }

  /** Puts a blob into a repository. */
  addBlob(name: string, blob: Buffer | Content): Content {
    return this.#repositories.addBlob(name, blob)
  }

  /** Takes a tag, a manifest or a blob out of a repository. */
  remove(name: string, reference: string): void {
    const repository = this.#repositories.open(name)
    repository.digestByTag.delete(reference)
    repository.manifests.delete(reference)
    repository.blobs.delete(reference)
  }

  /** Lets the next requests of a kind meet a fault. Faults of one kind wait in line, in the order they were given. */
  fault(kind: RequestKind, fault: Fault): ActiveFault {
    const script = new ScriptedFault(fault)
    const going = this.#faults.filter((each) => !each.script.isOver)
    this.#faults.splice(0, this.#faults.length, ...going, { kind, script })
    return script
  }

  /** Ends every fault; what hangs goes on. */
  clearFaults(): void {
    for (const { script } of this.#faults.splice(0)) script.clear()
  }

  /** Every token issued so far is no longer valid: a 401 in mid-life. */
  expireTokens(): void {
    this.#tokens?.expireAll()
  }

  /** Every URL that a redirect has named so far is answered 403. */
  expireSignatures(): void {
    this.#signature += 1
  }

  /** Sets all counts to 0 and forgets the requests. */
  resetCounts(): void {
    for (const kind of REQUEST_KINDS) this.counts[kind] = 0
    this.requests.length = 0
    this.sentBytes = 0
    this.cutBytes = 0
  }

  /** Opens both ports, the same ones as before a {@link stop}. */
  async start(): Promise<void> {
    await Promise.all([this.#registry.start(), this.#cdn.start()])
  }

  /** Cuts every connection and refuses new ones. What it has and its script stay. */
  async stop(): Promise<void> {
    await Promise.all([this.#registry.stop(), this.#cdn.stop()])
  }

  /** Ends everything. */
  async close(): Promise<void> {
    this.clearFaults()
    await this.stop()
  }

  async #serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const method = req.method ?? 'GET'
    const url = new URL(req.url ?? '/', this.url)
    const route = routeOf(method, decodeURIComponent(url.pathname))
    const request: SeenRequest = { kind: route.kind, method, url: req.url ?? '/', headers: req.headers }
    this.requests.push(request)
    this.counts[route.kind] += 1
    const script = this.#faults.find(
      ({ kind, script }) => kind === route.kind && script.take(request),
    )?.script
    if (script?.fault.latencyMs !== undefined) await sleep(script.fault.latencyMs)
    if (script?.fault.hang) await script.hang()
    if (script?.fault.refuse) return void res.destroy()
    if (method === 'POST') request.body = await text(req)
    // What hangs, or goes slowly, has sent something already, and counts as cut until it is whole.
    const onBytes = (bytes: number): void => {
      this.sentBytes += bytes
      this.cutBytes += bytes
    }
    const answer = this.#answer(route, url, request)
    const { bytes, isWhole } = await writeAnswer(res, request, answer, script, onBytes)
    if (isWhole) this.cutBytes -= bytes
  }

  #answer(route: Route, url: URL, request: SeenRequest) {
    if (route.kind === 'token' && this.#tokens !== undefined) {
      const query = request.method === 'POST' ? new URLSearchParams(request.body) : url.searchParams
      const { status, body } = this.#tokens.answer(request.method, query, request.headers)
      return jsonAnswer(status, body)
    }
    const state: RegistryState = {
      rules: this.#rules,
      repositories: this.#repositories,
      tokens: this.#tokens,
      origin: this.url,
      cdnOrigin: this.cdnUrl,
      signature: String(this.#signature),
    }
    return answerRequest(state, route, url, request.headers)
  }
}

/** Starts a scripted upstream; whoever starts it closes it. */
export const startScriptedUpstream = async (
  options: ScriptedUpstreamOptions = {},
): Promise<ScriptedUpstream> => {
  const upstream = new ScriptedUpstream(options)
  await upstream.start()
  return upstream
}

/**
 * entrepot on free loopback ports, in this process, from a configuration as people write it:
 *
 *     const entrepot = await startEntrepot({ upstream: hub })
 *     const answer = await entrepot.get('/v2/library/alpine/manifests/latest')
 *     await entrepot.stop()          // and it is asserted that nothing is left lying about
 */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import type { IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { stringify } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'
import type { Clock } from '../../src/fetch/source.ts'
import { type Logger, silentLogger } from '../../src/observe/log.ts'
import { type RunningServer, type ServeOptions, serve } from '../../src/serve.ts'
import type { StorageDriver } from '../../src/store/driver.ts'
import type { ScriptedUpstream } from './scripted-upstream.ts'

/** How to start it. */
export interface EntrepotOptions {
  /** The default upstream. */
  readonly upstream?: Pick<ScriptedUpstream, 'url'>
  /** Sections of the configuration file, over the defaults of tests. */
  readonly config?: Readonly<Record<string, unknown>>
  /** A folder to go on with; it stays. Default: a new one, which goes with the server. */
  readonly root?: string
  readonly clock?: Clock
  readonly now?: () => number
  /** Stands before the storage driver: one that fails. */
  readonly wrapDriver?: (driver: StorageDriver) => StorageDriver
  readonly log?: Logger
  readonly collect?: ServeOptions['collect']
  /** PEM of the authority of its certificate: with `http.tls` in the configuration. */
  readonly ca?: string
}

/** An answer read to its end, or to where it was cut. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Whether the connection was cut before the announced end. */
  readonly isCut: boolean
  json(): unknown
}

/** A clock whose pauses take no time. */
export const hastyClock: Clock = {
  now: () => performance.now(),
  sleep: async () => {},
  random: () => 0.5,
}

/** A new empty folder; whoever makes it removes it. */
export const makeFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'entrepot-test-'))

/** The names of the files below a folder of the store, if it is there. */
export const listFolder = (root: string, folder: string): Promise<string[]> =>
  readdir(join(root, folder)).catch(() => [])

/** A running entrepot. */
export class TestEntrepot {
  readonly url: string
  readonly debugUrl: string
  readonly root: string
  readonly #agent: Agent
  readonly #server: RunningServer
  readonly #remove: () => Promise<void>

  constructor(server: RunningServer, root: string, remove: () => Promise<void>, ca?: string) {
    this.#agent = new Agent({ connections: 256, pipelining: 1, ...(ca !== undefined && { connect: { ca } }) })
    this.url = `${ca === undefined ? 'http' : 'https'}://${server.address}`
    this.debugUrl = `http://${server.debugAddress}`
    this.root = root
    this.#server = server
    this.#remove = remove
  }

  /** Asks, and reads the answer to its end. */
  async ask(
    method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS',
    path: string,
    headers: Record<string, string> = {},
    body?: string | Buffer,
  ): Promise<Answer> {
    const origin = path.startsWith('http') ? path : `${this.url}${path}`
    const answer = await request(origin, { method, headers, body: body ?? null, dispatcher: this.#agent })
    const chunks: Buffer[] = []
    let isCut = false
    try {
      for await (const chunk of answer.body) chunks.push(chunk as Buffer)
    } catch {
      isCut = true
    }
    const bytes = Buffer.concat(chunks)
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: bytes,
      isCut,
      json: () => JSON.parse(bytes.toString()),
    }
  }

  get(path: string, headers?: Record<string, string>): Promise<Answer> {
    return this.ask('GET', path, headers)
  }

  head(path: string, headers?: Record<string, string>): Promise<Answer> {
    return this.ask('HEAD', path, headers)
  }

  /** The value of a metric with exactly these labels; 0 where there is none. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const { body } = await this.get(`${this.debugUrl}/metrics`)
    const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`)
    const line = body
      .toString()
      .split('\n')
      .find(
        (each) =>
          (each.startsWith(`${name}{`) || each.startsWith(`${name} `)) &&
          wanted.every((pair) => each.includes(pair)),
      )
    return Number(line?.split(' ').at(-1) ?? 0)
  }

  /** Resolves when everything that has been fetched so far is stored. */
  settle(): Promise<void> {
    return this.#server.settle()
  }

  /** Stops it as SIGTERM does. Files in the making must be gone, but for partials, which are the caller's to look at. */
  async stop(): Promise<void> {
    await this.end()
    const left = await listFolder(this.root, 'entrepot/tmp')
    await this.#remove()
    assert.deepEqual(left, [], 'temporary files are left')
  }

  /** Stops one of several servers of a root, of which others may be writing just now: the last one is told to {@link stop}. */
  async end(): Promise<void> {
    await this.#agent.close()
    await this.#server.stop()
  }
}

const readConfig = async (text: string): Promise<Config> => {
  const folder = await makeFolder()
  try {
    const file = join(folder, 'config.yml')
    await writeFile(file, text)
    return loadConfig({ file, env: {} }).config
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Starts entrepot; whoever starts it stops it. */
export const startEntrepot = async (options: EntrepotOptions = {}): Promise<TestEntrepot> => {
  const root = options.root ?? (await makeFolder())
  const { http, storage, ...sections } = (options.config ?? {}) as { http?: object; storage?: object }
  const document = {
    version: 0.1,
    log: { accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: root }, ...storage },
    http: { addr: '127.0.0.1:0', debug: { addr: '127.0.0.1:0' }, draintimeout: '100ms', ...http },
    ...(options.upstream && { proxy: { remoteurl: options.upstream.url } }),
    ...sections,
  }
  const config = await readConfig(stringify(document))
  const { log = silentLogger, clock = hastyClock, now, wrapDriver, collect } = options
  const remove = async (): Promise<void> => {
    if (options.root === undefined) await rm(root, { recursive: true })
  }
  const starting = serve(config, {
    version: 'test',
    warnings: [],
    log,
    clock,
    ...(now && { now }),
    ...(wrapDriver && { wrapDriver }),
    ...(collect && { collect }),
  })
  const server = await starting.catch(async (error: unknown) => {
    await remove()
    throw error
  })
  return new TestEntrepot(server, root, remove, options.ca)
}

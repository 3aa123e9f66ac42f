/**
 * Every query of every panel and every alert, asked of a real Prometheus that scrapes a mirror and a private registry
 * after real traffic: that they answer at all, and with numbers.
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { hashSync } from 'bcryptjs'
import { Agent, request } from 'undici'
import { createAuthority, issueCertificate } from '../../src/certs/authority.ts'
import { parseSubjectName } from '../../src/certs/names.ts'
import { fillIn, readAlerts, readDashboards } from '../support/dashboards.ts'
import { makeImage, type TestImage } from '../support/images.ts'
import { selectorsOf } from '../support/promql.ts'
import { startReceiver } from '../support/receiver.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'
import { type Entrepot, startEntrepot } from './support/entrepot.ts'
import { type Prometheus, startPrometheus } from './support/prometheus.ts'
import { skipWithout } from './support/tools.ts'
import { waitUntil } from './support/wait.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const skip = skipWithout('prometheus')

const VALIDITY = { days: 30, nowMs: Date.now() }
const PASSWORD = 'correct horse'
const RATE_INTERVAL = '20s'
const RANGE = '1m'
/** Room for one of the images that are pulled: the first is evicted for the second. */
const MAX_BYTES = 600_000
const EVICTED_MS = 30_000

const limits = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '76;w=21600' }

/** A mirror of an upstream in this process, and pulls through it. */
class MirrorScene {
  readonly #hub: ScriptedUpstream
  readonly #entrepot: Entrepot

  private constructor(hub: ScriptedUpstream, entrepot: Entrepot) {
    this.#hub = hub
    this.#entrepot = entrepot
  }

  static async start(workspace: Workspace): Promise<MirrorScene> {
    const hub = await startScriptedUpstream({ tokens: {}, redirect: {} })
    workspace.defer(() => hub.close())
    hub.fault('manifest', {
      headers: limits,
      times: Number.POSITIVE_INFINITY,
      when: ({ url }) => !/broken/.test(url),
    })
    return new MirrorScene(
      hub,
      await startEntrepot(workspace, {
        sections: {
          proxy: { remoteurl: hub.url },
          limits: { lasttry: '1ms' },
          cache: { maxsize: MAX_BYTES, minfree: 0 },
        },
      }),
    )
  }

  get target(): string {
    return new URL(this.#entrepot.debugUrl).host
  }

  /** Pulls a new image, cold and warm, and what fails. */
  async pull(tag: string): Promise<void> {
    const name = 'library/app'
    const { config, layers } = this.#hub.addImage(name, tag, { layers: [100_000, 300_000], seed: tag })
    const paths = [`manifests/${tag}`, ...[config, ...layers].map(({ digest }) => `blobs/${digest}`)]
    for (let round = 0; round < 3; round += 1) for (const path of paths) await this.#get(`${name}/${path}`)
    await this.#get(`${name}/tags/list`)
    this.#hub.fault('manifest', { status: 500, times: 3, when: ({ url }) => /broken/.test(url) })
    await this.#get('library/broken/manifests/1')
  }

  async #get(path: string): Promise<void> {
    await (await fetch(`http://${this.#entrepot.address}/v2/${path}`)).arrayBuffer()
  }
}

/** A private registry with TLS, accounts and a web hook, and pushes to it. */
class RegistryScene {
  readonly #entrepot: Entrepot
  readonly #agent: Agent

  private constructor(entrepot: Entrepot, agent: Agent) {
    this.#entrepot = entrepot
    this.#agent = agent
  }

  static async start(workspace: Workspace): Promise<RegistryScene> {
    const folder = await workspace.folder('files')
    const authority = await createAuthority('CA', 'ec', VALIDITY)
    const subject = { commonName: 'registry', names: [parseSubjectName('127.0.0.1')] }
    const { certificate, key } = await issueCertificate(authority, subject, 'ec', VALIDITY)
    const files = { certificate: join(folder, 'registry.crt'), key: join(folder, 'registry.key') }
    const accounts = join(folder, 'htpasswd')
    await writeFile(files.certificate, certificate)
    await writeFile(files.key, key)
    await writeFile(accounts, `alice:${hashSync(PASSWORD, 4)}\n`)
    const receiver = await startReceiver()
    workspace.defer(() => receiver.stop())
    const entrepot = await startEntrepot(workspace, {
      http: { tls: files },
      sections: {
        auth: { htpasswd: { realm: 'test', path: accounts } },
        notifications: { endpoints: [{ name: 'hook', url: receiver.url }] },
      },
    })
    const agent = new Agent({ connect: { ca: authority.certificate } })
    workspace.defer(() => agent.close())
    return new RegistryScene(entrepot, agent)
  }

  get target(): string {
    return new URL(this.#entrepot.debugUrl).host
  }

  /** Pushes, pulls and deletes an image, and fails to log in. */
  async push(tag: string): Promise<void> {
    const image: TestImage = makeImage({ seed: tag, layers: [200_000] })
    const { manifest } = image
    for (const blob of [image.config, ...image.layers]) {
      const chunks = await blob.stream(0, blob.sizeBytes - 1).toArray()
      const path = `team/app/blobs/uploads/?digest=${blob.digest}`
      assert.equal(await this.#ask('POST', path, { body: Buffer.concat(chunks) }), 201)
      assert.equal(await this.#ask('GET', `team/app/blobs/${blob.digest}`), 200)
    }
    const { mediaType, bytes } = manifest
    assert.equal(await this.#ask('PUT', `team/app/manifests/${tag}`, { body: bytes, mediaType }), 201)
    assert.equal(await this.#ask('GET', `team/app/manifests/${tag}`), 200)
    assert.equal(await this.#ask('DELETE', `team/app/manifests/${tag}`), 202)
    assert.equal(await this.#ask('GET', 'team/app/tags/list', { password: 'wrong' }), 401)
  }

  async #ask(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    { body, mediaType, password = PASSWORD }: { body?: Buffer; mediaType?: string; password?: string } = {},
  ): Promise<number> {
    const authorization = `Basic ${Buffer.from(`alice:${password}`).toString('base64')}`
    const headers = { authorization, ...(mediaType !== undefined && { 'content-type': mediaType }) }
    const answer = await request(`https://${this.#entrepot.address}/v2/${path}`, {
      method,
      headers,
      body: body ?? null,
      dispatcher: this.#agent,
    })
    await answer.body.dump()
    return answer.statusCode
  }
}

describe('a Prometheus that scrapes a mirror and a registry at work', { skip, timeout: 120_000 }, () => {
  const workspaces: Workspace[] = []
  let prometheus: Prometheus

  before(async () => {
    for (let i = 0; i < 2; i += 1) workspaces.push(await makeWorkspace())
    const [one, other] = workspaces as [Workspace, Workspace]
    const [mirror, registry] = await Promise.all([MirrorScene.start(one), RegistryScene.start(other)])
    const targets = [mirror.target, registry.target]
    prometheus = await startPrometheus(one, targets)
    await prometheus.scrapes(targets.length, 1)
    for (const tag of ['1', '2']) {
      await Promise.all([mirror.pull(tag), registry.push(tag)])
      await prometheus.scrapes(targets.length, 2)
    }
    const isEvicted = async (): Promise<boolean> =>
      (await prometheus.query('entrepot_evicted_blobs_total > 0')).length > 0
    await waitUntil('eviction', isEvicted, EVICTED_MS)
    await prometheus.scrapes(targets.length, 2)
  })
  after(async () => {
    for (const workspace of workspaces) await workspace.remove()
  })

  for (const [file, { panels }] of readDashboards())
    for (const { title, targets = [] } of panels)
      for (const { expr, legendFormat } of targets)
        it(`has an answer for ${file}, ${title}: ${legendFormat}`, async () => {
          const results = await prometheus.query(fillIn(expr, RATE_INTERVAL, RANGE))
          assert.ok(results.length > 0, `no data: ${expr}`)
          assert.ok(
            results.some(({ value }) => Number.isFinite(value)),
            `no number: ${expr}`,
          )
          const wanted = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label)
          for (const { metric } of results)
            assert.deepEqual(
              wanted.filter((label) => metric[label] === undefined && label !== 'source'),
              [],
            )
        })

  for (const { alert, expr } of readAlerts())
    it(`has everything that ${alert} looks at`, async () => {
      for (const { metric, matchers } of selectorsOf(expr))
        assert.ok((await prometheus.query(metric + matchers)).length > 0, metric + matchers)
      await prometheus.query(expr)
    })

  it('evaluates every alert without complaint', async () => {
    const rules = await prometheus.rules()
    assert.deepEqual(
      rules.map(({ name }) => name),
      readAlerts().map(({ alert }) => alert),
    )
    for (const { name, health, lastError } of rules) assert.equal(health, 'ok', `${name}: ${lastError}`)
  })
})

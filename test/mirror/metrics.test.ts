/** The figures of a mirror, beside the counts of the upstream that it asked and of the clients that it answered. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { seededBytes } from '../support/bytes.ts'
import { makeFolder, startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import { type Exposition, scrape } from '../support/exposition.ts'
import type { TestImage } from '../support/images.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'

const LAYER = seededBytes(200_000, 'layer')
const CLIENTS = 8

describe('the figures of a mirror', () => {
  let hub: ScriptedUpstream
  let image: TestImage
  let layerPath: string
  let entrepot: TestEntrepot
  /** Bytes of bodies that the clients of this test got. */
  let receivedBytes: number

  beforeEach(async () => {
    hub = await startScriptedUpstream({ redirect: {}, tokens: {} })
    image = hub.addImage('library/alpine', '3', { layers: [LAYER] })
    layerPath = `/v2/library/alpine/blobs/${image.layers[0]?.digest}`
    receivedBytes = 0
    entrepot = await startEntrepot({ upstream: hub, config: { cache: { prefetch: false } } })
  })
  afterEach(async () => {
    await entrepot.stop()
    await hub.close()
  })

  const get = async (path: string, headers: Record<string, string> = {}): Promise<number> => {
    const { status, body } = await entrepot.get(path, headers)
    if (status < 300) receivedBytes += body.length
    return status
  }

  const figures = async (): Promise<Exposition> => {
    await entrepot.settle()
    return scrape(entrepot.debugUrl)
  }

  /** Reads in every way there is: cold, warm, together, in part, by HEAD, and what is not there. */
  const readEverything = async (): Promise<void> => {
    await get('/v2/library/alpine/manifests/3')
    await get('/v2/library/alpine/manifests/3')
    await entrepot.head('/v2/library/alpine/manifests/3')
    await get(`/v2/library/alpine/manifests/${image.manifest.digest}`)
    const hang = hub.fault('cdn', { hangAt: 50_000 })
    const together = Array.from({ length: CLIENTS }, () => get(layerPath))
    await hang.met
    hang.release()
    await Promise.all(together)
    await entrepot.settle()
    await get(layerPath)
    await get(layerPath, { Range: 'bytes=10-19' })
    await entrepot.head(layerPath)
    await entrepot.head(`/v2/library/alpine/blobs/${image.config.digest}`)
    await get('/v2/library/alpine/tags/list')
    await get('/v2/library/none/manifests/1')
    await entrepot.settle()
  }

  it('count every request to the upstream as it counts them itself', async () => {
    await readEverything()
    const { counts } = hub
    const shown = await figures()
    const asked = (kind: string): number => shown.sum('entrepot_upstream_requests_total', { kind })
    assert.deepEqual(
      {
        manifest: asked('manifest'),
        head: asked('head'),
        blob: asked('blob'),
        list: asked('list'),
        token: asked('token'),
      },
      {
        manifest: counts.manifest,
        head: counts.manifestHead + counts.blobHead,
        blob: counts.blob,
        list: counts.tags,
        token: counts.token,
      },
    )
    // The rest is redirected: the status is that of where it led.
    for (const [seen, kind] of [
      ['manifest', 'manifest'],
      ['token', 'token'],
      ['tags', 'list'],
    ] as const) {
      const statuses = hub.requests.filter((each) => each.kind === seen).map(({ status }) => String(status))
      for (const status of new Set(statuses))
        assert.equal(
          shown.sum('entrepot_upstream_requests_total', { kind, status }),
          statuses.filter((each) => each === status).length,
          `${kind} ${status}`,
        )
    }
    const waits = shown.sum('entrepot_upstream_queue_wait_seconds_count')
    assert.ok(waits >= counts.manifest + counts.manifestHead + counts.blob, `${waits} waits`)
    const timed = shown.sum('entrepot_upstream_request_duration_seconds_count')
    assert.equal(timed, asked('manifest') + asked('head') + asked('blob') + asked('list') + asked('token'))
  })

  it('tell each read by how it was answered', async () => {
    await readEverything()
    const shown = await figures()
    const reads = (type: string, answer: string): number =>
      shown.sum('entrepot_reads_total', { type, answer })
    assert.deepEqual(
      ['hit', 'miss', 'joined', 'stale'].map((answer) => reads('manifest', answer)),
      [3, 1, 0, 0],
    )
    assert.deepEqual(
      ['hit', 'miss', 'joined', 'stale'].map((answer) => reads('blob', answer)),
      [2, 1, CLIENTS - 1, 0],
    )
    for (const type of ['blob', 'manifest']) {
      const [requests, hits, misses] = ['requests', 'hits', 'misses'].map((word) =>
        shown.sum(`registry_proxy_${word}_total`, { type }),
      )
      assert.equal(requests, shown.sum('entrepot_reads_total', { type }))
      assert.equal(requests, (hits ?? 0) + (misses ?? 0))
    }
  })

  it('count the bytes that clients got, that the upstream sent, and the difference as saved', async () => {
    await readEverything()
    const shown = await figures()
    const manifestBytes = image.manifest.bytes.length
    const sent = (type: string): number => shown.sum('entrepot_client_bytes_total', { type })
    // The list of tags is no content, and not among them.
    const listBytes = Buffer.byteLength(JSON.stringify({ name: 'library/alpine', tags: ['3'] }))
    assert.equal(sent('blob') + sent('manifest'), receivedBytes - listBytes)
    assert.deepEqual(
      ['blob', 'manifest'].map((type) => shown.sum('registry_proxy_pulled_bytes_total', { type })),
      [LAYER.length, manifestBytes],
    )
    assert.equal(shown.sum('registry_proxy_pushed_bytes_total'), sent('blob') + sent('manifest'))
    assert.equal(
      shown.sum('entrepot_saved_bytes_total'),
      sent('blob') + sent('manifest') - LAYER.length - manifestBytes,
    )
    assert.equal(shown.sum('entrepot_upstream_bytes_total'), hub.sentBytes)
    assert.ok(hub.sentBytes > LAYER.length + manifestBytes)
  })

  it('do not count as saved what was fetched ahead of the client who comes first', async () => {
    const two = hub.addImage('library/two', '1', { layers: [LAYER, seededBytes(90_000, 'second')] })
    await entrepot.stop()
    entrepot = await startEntrepot({ upstream: hub })
    const pull = async (): Promise<number> => {
      const paths = [two.config, ...two.layers].map(({ digest }) => `blobs/${digest}`)
      let bytes = 0
      for (const path of ['manifests/1', ...paths]) {
        bytes += (await entrepot.get(`/v2/library/two/${path}`)).body.length
        await entrepot.settle()
      }
      return bytes
    }
    await pull()
    assert.equal((await figures()).sum('entrepot_saved_bytes_total'), 0)
    const bytes = await pull()
    assert.equal((await figures()).sum('entrepot_saved_bytes_total'), bytes)
  })

  it('tell of one fetch for all clients, and of its going on', async () => {
    await readEverything()
    const shown = await figures()
    assert.equal(shown.sum('entrepot_fetches_total', { outcome: 'completed' }), 1)
    assert.equal(shown.sum('entrepot_fetches_total'), 1)
    assert.equal(shown.sum('entrepot_fetches_active'), 0)
    assert.equal(shown.sum('entrepot_fetch_resumes_total'), 0)
    const other = hub.addBlob('library/alpine', seededBytes(90_000, 'other'))
    hub.fault('cdn', { dropAt: 30_000 })
    await get(`/v2/library/alpine/blobs/${other.digest}`)
    assert.equal((await figures()).sum('entrepot_fetch_resumes_total'), 1)
  })

  const causes: [cause: string, fault: () => void][] = [
    ['unreachable', () => hub.fault('manifestHead', { refuse: true, times: 9 })],
    ['status', () => hub.fault('manifestHead', { status: 500, times: 9 })],
    ['limited', () => hub.fault('manifestHead', { status: 429 })],
  ]
  for (const [cause, fault] of causes)
    it(`count a stale answer under its cause: ${cause}`, async () => {
      await get('/v2/library/alpine/manifests/3')
      await entrepot.settle()
      fault()
      assert.equal(await get('/v2/library/alpine/manifests/3'), 200)
      const shown = await figures()
      assert.equal(shown.sum('entrepot_stale_answers_total', { cause }), 1)
      assert.equal(shown.sum('entrepot_stale_answers_total'), 1)
      assert.equal(shown.sum('entrepot_reads_total', { type: 'manifest', answer: 'stale' }), 1)
    })

  it('tell an upstream that is held back after a 429, and that is down', async () => {
    await get('/v2/library/alpine/manifests/3')
    const name = { upstream: hub.host }
    const before = await figures()
    assert.deepEqual(
      [before.find('entrepot_upstream_up', name), before.find('entrepot_upstream_limited', name)],
      [1, 0],
    )
    hub.fault('manifestHead', { status: 429 })
    await get('/v2/library/alpine/manifests/3')
    assert.equal((await figures()).find('entrepot_upstream_limited', name), 1)
    await hub.stop()
    await get('/v2/library/alpine/tags/list')
    assert.equal((await figures()).find('entrepot_upstream_up', name), 0)
  })

  it('tell the rate limit once it is known, and under the names of others for Docker Hub', async () => {
    const unknown = await figures()
    assert.equal(unknown.find('entrepot_upstream_ratelimit_known'), 0)
    for (const name of ['entrepot_upstream_ratelimit_remaining', 'dockerhub_limit_remaining_requests_total'])
      assert.equal(unknown.find(name), undefined)
    const headers = {
      'ratelimit-limit': '100;w=21600',
      'ratelimit-remaining': '76;w=21600',
      'docker-ratelimit-source': '192.0.2.1',
    }
    hub.fault('manifest', { headers })
    await get('/v2/library/alpine/manifests/3')
    const shown = await figures()
    const own = { upstream: hub.host, source: '192.0.2.1' }
    const theirs = { reqsource: '192.0.2.1' }
    assert.deepEqual(
      [
        shown.find('entrepot_upstream_ratelimit_known', { upstream: hub.host }),
        shown.find('entrepot_upstream_ratelimit_limit', own),
        shown.find('entrepot_upstream_ratelimit_remaining', own),
        shown.find('dockerhub_limit_max_requests_total', theirs),
        shown.find('dockerhub_limit_remaining_requests_total', theirs),
      ],
      [1, 100, 76, 100, 76],
    )
  })

  it('count wrong bytes', async () => {
    hub.fault('cdn', { corruptAt: 1000, times: 9 })
    await get(layerPath).catch(() => {})
    const shown = await figures()
    assert.equal(shown.sum('entrepot_fetches_total', { outcome: 'corrupt' }), 1)
    assert.equal(shown.sum('entrepot_upstream_corrupt_total', { upstream: hub.host }), 1)
  })

  it('tell what is passed on and not kept, once', async () => {
    await entrepot.stop()
    const cache = { maxsize: LAYER.length / 2, prefetch: false }
    entrepot = await startEntrepot({ upstream: hub, config: { cache } })
    await get('/v2/library/alpine/manifests/3')
    await get(layerPath)
    hub.remove('library/alpine', image.layers[0]?.digest ?? '')
    assert.equal(await get(layerPath), 404)
    const shown = await figures()
    assert.equal(shown.sum('entrepot_fetches_total', { outcome: 'uncached' }), 2)
    assert.equal(shown.sum('entrepot_fetches_total'), 2)
    assert.equal(shown.sum('entrepot_reads_total', { type: 'blob', answer: 'uncached' }), 1)
    assert.equal(shown.sum('entrepot_saved_bytes_total'), 0)
  })

  it('go on with what was saved after a restart', async () => {
    const root = await makeFolder()
    const start = () => startEntrepot({ upstream: hub, root, config: { cache: { prefetch: false } } })
    await entrepot.stop()
    entrepot = await start()
    await get(layerPath)
    await entrepot.settle()
    await get(layerPath)
    assert.equal((await figures()).sum('entrepot_saved_bytes_total'), LAYER.length)
    await entrepot.stop()
    entrepot = await start()
    assert.equal((await figures()).sum('entrepot_saved_bytes_total'), LAYER.length)
    await get(layerPath)
    assert.equal((await figures()).sum('entrepot_saved_bytes_total'), 2 * LAYER.length)
    await entrepot.stop()
    await rm(root, { recursive: true })
    entrepot = await startEntrepot({ upstream: hub })
  })

  it('tell the version, the store and readiness', async () => {
    const shown = await figures()
    assert.equal(shown.find('entrepot_build_info', { version: 'test' }), 1)
    assert.equal(shown.find('entrepot_ready'), 1)
    assert.ok(shown.sum('entrepot_store_size_bytes') > shown.sum('entrepot_store_free_bytes'))
    assert.ok(shown.sum('entrepot_store_free_bytes') > 0)
    for (const name of [
      'process_open_fds',
      'nodejs_eventloop_lag_p99_seconds',
      'nodejs_heap_size_used_bytes',
    ])
      assert.ok(shown.find(name) !== undefined, name)
  })
})

/** What is counted of requests, under the names of distribution. */
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, beforeEach, describe, it } from 'node:test'
import Koa from 'koa'
import type { RequestState } from '../../src/http/context.ts'
import { createLabel, createMeasure } from '../../src/http/measure.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { digestOf } from '../../src/protocol/digest.ts'
import { seededBytes } from '../support/bytes.ts'
import { startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import { Exposition, scrape } from '../support/exposition.ts'
import { startScriptedUpstream } from '../support/scripted-upstream.ts'

const BLOB = seededBytes(200_000, 'blob')
const DIGEST = digestOf(BLOB)

describe('requests to a registry', () => {
  let entrepot: TestEntrepot

  beforeEach(async () => {
    entrepot = await startEntrepot({ config: { storage: { delete: { enabled: true } } } })
  })
  afterEach(() => entrepot.stop())

  const figures = (): Promise<Exposition> => scrape(entrepot.debugUrl)

  const pushBlob = async (name: string): Promise<void> => {
    const { status } = await entrepot.ask('POST', `/v2/${name}/blobs/uploads/?digest=${DIGEST}`, {}, BLOB)
    assert.equal(status, 201)
  }

  it('are counted by kind of route, method and status', async () => {
    await pushBlob('a/app')
    await entrepot.get(`/v2/a/app/blobs/${DIGEST}`)
    await entrepot.get(`/v2/a/app/blobs/${DIGEST}`, { Range: 'bytes=0-9' })
    await entrepot.head(`/v2/a/app/blobs/${DIGEST}`)
    await entrepot.get('/v2/a/app/manifests/none')
    await entrepot.get('/v2/a/app/tags/list')
    await entrepot.get('/v2/')
    await entrepot.get('/nothing/here')
    const shown = await figures()
    const counts = Object.fromEntries(
      shown.samples
        .filter(({ name }) => name === 'registry_http_requests_total')
        .map(({ labels, value }) => [`${labels.handler} ${labels.method} ${labels.code}`, value]),
    )
    assert.deepEqual(counts, {
      'blob_upload post 201': 1,
      'blob get 200': 1,
      'blob get 206': 1,
      'blob head 200': 1,
      'manifest get 404': 1,
      'tags get 200': 1,
      'base get 200': 1,
      'base get 404': 1,
    })
    assert.equal(shown.sum('registry_http_request_duration_seconds_count'), 8)
  })

  it('are counted with the bytes of their bodies, both ways', async () => {
    await pushBlob('a/app')
    await entrepot.get(`/v2/a/app/blobs/${DIGEST}`)
    await entrepot.get(`/v2/a/app/blobs/${DIGEST}`, { Range: 'bytes=0-9' })
    await entrepot.head(`/v2/a/app/blobs/${DIGEST}`)
    const shown = await figures()
    const sum = (name: string, handler: string): number => shown.sum(`registry_http_${name}_sum`, { handler })
    assert.equal(sum('request_size_bytes', 'blob_upload'), BLOB.length)
    assert.equal(sum('request_size_bytes', 'blob'), 0)
    assert.equal(sum('response_size_bytes', 'blob'), BLOB.length + 10)
    assert.equal(shown.sum('entrepot_client_bytes_total', { type: 'blob' }), BLOB.length + 10)
    assert.equal(shown.sum('registry_proxy_pushed_bytes_total'), 0, 'nothing of it is mirrored')
    assert.equal(shown.sum('entrepot_reads_total', { type: 'blob', answer: 'hit' }), 2)
  })

  it('that push are counted by what became of them', async () => {
    await pushBlob('a/app')
    const start = async (): Promise<string> => {
      const { headers } = await entrepot.ask('POST', '/v2/a/app/blobs/uploads/')
      return String(headers.location)
    }
    const finish = (location: string, body: Buffer) =>
      entrepot.ask('PUT', `${location}&digest=${DIGEST}`, {}, body)
    assert.equal((await finish(await start(), BLOB)).status, 201)
    assert.equal((await finish(await start(), BLOB.subarray(1))).status, 400)
    assert.equal((await entrepot.ask('DELETE', await start())).status, 204)
    await entrepot.ask('POST', `/v2/b/app/blobs/uploads/?mount=${DIGEST}&from=a/app`)
    await entrepot.ask('DELETE', `/v2/a/app/blobs/${DIGEST}`)
    const shown = await figures()
    const uploads = ['completed', 'mismatched', 'cancelled', 'stale'].map((outcome) =>
      shown.find('entrepot_uploads_total', { outcome }),
    )
    assert.deepEqual(uploads, [2, 1, 1, 0])
    assert.equal(shown.sum('entrepot_upload_bytes_total'), 3 * BLOB.length - 1)
    assert.equal(shown.find('entrepot_uploads_active'), 0)
    const operations = ['push', 'mount', 'delete', 'pull'].map((action) =>
      shown.find('entrepot_operations_total', { action, type: 'blob' }),
    )
    assert.deepEqual(operations, [2, 1, 1, 0])
  })

  it('find links in memory, which is counted under the names of both releases', async () => {
    await pushBlob('a/app')
    await entrepot.get(`/v2/a/app/blobs/${DIGEST}`)
    await entrepot.get(`/v2/b/app/blobs/${DIGEST}`)
    const shown = await figures()
    const [requests, hits] = ['requests', 'hits'].map((word) =>
      shown.sum(`registry_storage_cache_${word}_total`),
    )
    const byType = ['Request', 'Hit', 'Miss'].map((type) =>
      shown.sum('registry_storage_cache_total', { type }),
    )
    assert.deepEqual(byType, [requests, hits, (requests ?? 0) - (hits ?? 0)])
    assert.ok((hits ?? 0) >= 1 && (requests ?? 0) > (hits ?? 0))
    assert.ok(
      shown.sum('registry_storage_action_seconds_count', { driver: 'filesystem', action: 'Move' }) >= 1,
    )
  })

  it('are shown while they are in progress', async () => {
    const hub = await startScriptedUpstream()
    const mirror = await startEntrepot({ upstream: hub })
    const hang = hub.fault('manifest', { hang: true })
    const asked = mirror.get('/v2/library/alpine/manifests/1')
    await hang.met
    const inFlight = async () =>
      (await scrape(mirror.debugUrl)).find('registry_http_in_flight_requests', { handler: 'manifest' })
    assert.equal(await inFlight(), 1)
    hang.release()
    await asked
    await mirror.get('/v2/')
    assert.equal(await inFlight(), 0)
    await mirror.stop()
    await hub.close()
  })
})

it('a client that leaves before its route is found is counted as gone', async () => {
  const metrics = createMetrics()
  const label = createLabel(metrics)
  const steps = new EventEmitter()
  const [asked, left, ended] = ['asked', 'left', 'ended'].map((step) => once(steps, step))
  const app = new Koa<RequestState>()
  const measure = createMeasure(metrics, undefined)
  app.use((ctx, next) => {
    measure(ctx)
    return next()
  })
  app.use(async (ctx) => {
    ctx.res.once('close', () => steps.emit('left'))
    steps.emit('asked')
    await left
    label(ctx, 'manifest')
    steps.emit('ended')
  })
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await asked
  client.destroy()
  await ended
  server.close()
  const shown = new Exposition(await metrics.scrape.text())
  for (const handler of ['base', 'manifest'])
    assert.equal(shown.find('registry_http_in_flight_requests', { handler }), 0, handler)
})

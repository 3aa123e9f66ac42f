import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import { makeImage } from '../support/images.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'

const PATH = '/v2/library/alpine/manifests'

describe('a manifest of a mirrored repository', () => {
  let hub: ScriptedUpstream
  let entrepot: TestEntrepot
  let nowMs: number

  beforeEach(async () => {
    hub = await startScriptedUpstream()
    nowMs = Date.UTC(2026, 0, 1)
    entrepot = await startEntrepot({
      upstream: hub,
      now: () => nowMs,
      config: { cache: { prefetch: false } },
    })
  })
  afterEach(async () => {
    await entrepot.stop()
    await hub.close()
  })

  it('comes byte for byte with its type and digest', async () => {
    const { manifest } = hub.addImage('library/alpine', 'latest', { flavour: 'docker' })
    const answer = await entrepot.get(`${PATH}/latest`)
    assert.equal(answer.status, 200)
    assert.deepEqual(answer.body, manifest.bytes)
    assert.equal(answer.headers['content-type'], manifest.mediaType)
    assert.equal(answer.headers['docker-content-digest'], manifest.digest)
    assert.equal(answer.headers['content-length'], String(manifest.bytes.length))
    assert.equal(answer.headers.etag, `"${manifest.digest}"`)
  })

  it('costs one upstream GET by tag, without a HEAD before it, where nothing is cached', async () => {
    hub.addImage('library/alpine', 'latest')
    await entrepot.get(`${PATH}/latest`)
    assert.deepEqual([hub.counts.manifest, hub.counts.manifestHead], [1, 0])
  })

  it('costs one upstream HEAD for a HEAD, and no GET', async () => {
    const { manifest } = hub.addImage('library/alpine', 'latest')
    const answer = await entrepot.head(`${PATH}/latest`)
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['docker-content-digest'], manifest.digest)
    assert.equal(answer.headers['content-length'], String(manifest.bytes.length))
    assert.equal(answer.body.length, 0)
    assert.deepEqual([hub.counts.manifest, hub.counts.manifestHead], [0, 1])
  })

  it('is asked for by HEAD every time by tag, and never again by digest', async () => {
    const { manifest } = hub.addImage('library/alpine', 'latest')
    await entrepot.get(`${PATH}/latest`)
    await entrepot.get(`${PATH}/latest`)
    await entrepot.get(`${PATH}/${manifest.digest}`)
    assert.deepEqual([hub.counts.manifest, hub.counts.manifestHead], [1, 1])
  })

  it('follows a tag that moved', async () => {
    hub.addImage('library/alpine', 'latest')
    await entrepot.get(`${PATH}/latest`)
    const { manifest } = hub.addImage('library/alpine', 'latest', { seed: 'new' })
    assert.deepEqual((await entrepot.get(`${PATH}/latest`)).body, manifest.bytes)
  })

  it('is asked for once, however many ask at once', async () => {
    hub.addImage('library/alpine', 'latest')
    const hang = hub.fault('manifest', { hang: true })
    const asks = Array.from({ length: 20 }, () => entrepot.get(`${PATH}/latest`))
    await hang.met
    hang.release()
    const answers = await Promise.all(asks)
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200])
    assert.equal(hub.counts.manifest, 1)
  })

  it('is 304 for a client that has it', async () => {
    const { manifest } = hub.addImage('library/alpine', 'latest')
    for (const etag of [
      `"${manifest.digest}"`,
      manifest.digest,
      `W/"${manifest.digest}"`,
      `"x", "${manifest.digest}"`,
    ]) {
      const answer = await entrepot.get(`${PATH}/${manifest.digest}`, { 'If-None-Match': etag })
      assert.deepEqual([answer.status, answer.body.length], [304, 0], etag)
    }
  })

  it('moves the tag when dockerd has asked by HEAD and then got it by digest', async () => {
    const { manifest } = hub.addImage('library/alpine', 'latest')
    await entrepot.head(`${PATH}/latest`)
    await entrepot.get(`${PATH}/${manifest.digest}`)
    await hub.stop()
    const answer = await entrepot.get(`${PATH}/latest`)
    assert.equal(answer.status, 200)
    assert.deepEqual(answer.body, manifest.bytes)
  })

  it('of a bare name is the official image of Docker Hub where the upstream stands for it', async () => {
    const { manifest } = hub.addImage('library/alpine', 'latest')
    assert.deepEqual((await entrepot.get('/v2/alpine/manifests/latest')).body, manifest.bytes)
  })

  it('is verified: other bytes than the digest says are never given', async () => {
    const { manifest } = hub.addImage('library/alpine', 'latest')
    hub.fault('manifest', { corruptAt: 10 })
    assert.equal((await entrepot.get(`${PATH}/${manifest.digest}`)).status, 502)
    assert.deepEqual((await entrepot.get(`${PATH}/${manifest.digest}`)).body, manifest.bytes)
  })

  it('of an index is kept whole though one platform of it was pulled', async () => {
    const arm = makeImage({ seed: 'arm', architecture: 'arm64' })
    hub.addImage('library/alpine', undefined, arm)
    await entrepot.get(`${PATH}/${arm.manifest.digest}`)
    assert.equal((await entrepot.get(`${PATH}/${arm.manifest.digest}`)).status, 200)
    assert.equal(hub.counts.manifest, 1)
  })

  describe('that nobody has', () => {
    it('is a 404 with an OCI error body', async () => {
      const answer = await entrepot.get(`${PATH}/nothing`)
      assert.equal(answer.status, 404)
      assert.equal((answer.json() as { errors: { code: string }[] }).errors[0]?.code, 'MANIFEST_UNKNOWN')
    })

    it('is remembered for a moment', async () => {
      await entrepot.get(`${PATH}/nothing`)
      await entrepot.get(`${PATH}/nothing`)
      assert.equal(hub.counts.manifest, 1)
      nowMs += 11_000
      await entrepot.get(`${PATH}/nothing`)
      assert.equal(hub.counts.manifest, 2)
    })

    it('is 404, not 400, where the reference is neither a tag nor a digest', async () => {
      assert.equal((await entrepot.get(`${PATH}/.INVALID`)).status, 404)
      assert.equal((await entrepot.get(`${PATH}/sha256:short`)).status, 400)
    })
  })

  describe('while the upstream fails', () => {
    const faults = {
      refuse: { refuse: true },
      '500': { status: 500, body: 'oops' },
      '503': { status: 503 },
      '429': {
        status: 429,
        headers: { 'Retry-After': '30' },
        body: '{"errors":[{"code":"TOOMANYREQUESTS"}]}',
      },
    } as const
    for (const [name, fault] of Object.entries(faults))
      it(`is served stale, with a warning, by tag (${name})`, async () => {
        const { manifest } = hub.addImage('library/alpine', 'latest')
        await entrepot.get(`${PATH}/latest`)
        hub.fault('manifestHead', { ...fault, times: Number.POSITIVE_INFINITY })
        const answer = await entrepot.get(`${PATH}/latest`)
        assert.equal(answer.status, 200)
        assert.deepEqual(answer.body, manifest.bytes)
        assert.match(String(answer.headers.warning), /^299 - "[^"]+"$/)
        assert.equal(await entrepot.metric('entrepot_reads_total', { type: 'manifest', answer: 'stale' }), 1)
      })

    it('is its error, quickly, where nothing is cached', async () => {
      await hub.stop()
      const answer = await entrepot.get(`${PATH}/latest`)
      assert.equal(answer.status, 502)
      assert.equal((answer.json() as { errors: { code: string }[] }).errors[0]?.code, 'UNAVAILABLE')
    })

    it('is 429 with Retry-After where nothing is cached', async () => {
      hub.fault('manifest', {
        status: 429,
        headers: { 'Retry-After': '30' },
        body: '{"errors":[{"code":"TOOMANYREQUESTS"}]}',
      })
      const answer = await entrepot.get(`${PATH}/latest`)
      assert.equal(answer.status, 429)
      assert.ok(Number(answer.headers['retry-after']) >= 29)
    })
  })

  it('that the upstream says is gone is 404 from then on, the outage after it included', async () => {
    hub.addImage('library/alpine', 'latest')
    await entrepot.get(`${PATH}/latest`)
    hub.remove('library/alpine', 'latest')
    assert.equal((await entrepot.get(`${PATH}/latest`)).status, 404)
    await hub.stop()
    assert.notEqual((await entrepot.get(`${PATH}/latest`)).status, 200)
  })
})

describe('freshness', () => {
  it('answers a tag from the cache for as long as it says, and asks after that', async () => {
    const hub = await startScriptedUpstream()
    let nowMs = Date.UTC(2026, 0, 1)
    const config = {
      cache: {
        freshness: [
          { tags: ['latest'], for: '5m' },
          { tags: ['v*'], for: '1h' },
        ],
      },
    }
    const entrepot = await startEntrepot({ upstream: hub, config, now: () => nowMs })
    for (const tag of ['latest', 'v1', 'other']) hub.addImage('library/alpine', tag)
    const heads: Record<string, number[]> = {}
    for (const tag of ['latest', 'v1', 'other']) {
      await entrepot.get(`${PATH}/${tag}`)
      heads[tag] = []
      for (const minutes of [1, 6, 56, 1]) {
        nowMs += minutes * 60_000
        const before = hub.counts.manifestHead
        await entrepot.get(`${PATH}/${tag}`)
        heads[tag].push(hub.counts.manifestHead - before)
      }
    }
    assert.deepEqual(heads, { latest: [0, 1, 1, 0], v1: [0, 0, 1, 0], other: [1, 1, 1, 1] })
    await entrepot.stop()
    await hub.close()
  })
})

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'

const DIGEST = `sha256:${'0'.repeat(64)}`

interface ErrorBody {
  readonly errors: readonly { readonly code: string; readonly message: string }[]
}

describe('the registry API', () => {
  let hub: ScriptedUpstream
  let entrepot: TestEntrepot

  before(async () => {
    hub = await startScriptedUpstream()
    entrepot = await startEntrepot({
      upstream: hub,
      config: { http: { headers: { 'X-Content-Type-Options': ['nosniff'] } } },
    })
  })
  after(async () => {
    await entrepot.stop()
    await hub.close()
  })

  it('says that it is one', async () => {
    for (const path of ['/v2/', '/v2']) {
      const answer = await entrepot.get(path)
      assert.equal(answer.status, 200)
      assert.equal(answer.body.toString(), '{}')
      assert.equal(answer.headers['content-type'], 'application/json')
      assert.equal(answer.headers['docker-distribution-api-version'], 'registry/2.0')
    }
  })

  it('answers load balancers', async () => {
    const root = await entrepot.get('/')
    assert.deepEqual([root.status, root.body.length, root.headers['cache-control']], [200, 0, 'no-cache'])
    assert.equal((await entrepot.get('/healthz')).status, 200)
    assert.equal((await entrepot.get('/readyz')).status, 200)
  })

  it('sends the configured headers with every answer, errors too', async () => {
    for (const path of ['/v2/', '/nowhere', `/v2/a/b/blobs/${DIGEST}`])
      assert.equal((await entrepot.get(path)).headers['x-content-type-options'], 'nosniff', path)
  })

  const refusals: readonly [method: 'GET' | 'POST' | 'PATCH', path: string, status: number, code: string][] =
    [
      ['GET', '/nowhere', 404, 'NAME_UNKNOWN'],
      ['GET', '/v2/Upper/manifests/latest', 400, 'NAME_INVALID'],
      ['GET', `/v2/${'a'.repeat(256)}/manifests/latest`, 400, 'NAME_INVALID'],
      ['GET', '/v2/a//b/manifests/latest', 400, 'NAME_INVALID'],
      ['GET', '/v2/a/..%2f..%2fetc/manifests/latest', 400, 'NAME_INVALID'],
      ['GET', '/v2/a/%zz/manifests/latest', 400, 'NAME_INVALID'],
      ['GET', '/v2/a/b/manifests/-x', 404, 'MANIFEST_UNKNOWN'],
      ['GET', '/v2/a/b/manifests/sha256:abc', 400, 'DIGEST_INVALID'],
      ['GET', `/v2/a/b/manifests/md5:${'0'.repeat(32)}`, 400, 'DIGEST_INVALID'],
      ['GET', '/v2/a/b/blobs/sha256:ABC', 400, 'DIGEST_INVALID'],
      ['GET', `/v2/a/b/blobs/${DIGEST}`, 404, 'BLOB_UNKNOWN'],
      ['GET', '/v2/a/b/tags/list?n=-1', 400, 'PAGINATION_NUMBER_INVALID'],
      ['GET', '/v2/a/b/tags/list?n=x', 400, 'PAGINATION_NUMBER_INVALID'],
      ['GET', '/v2/a/b/tags/list', 404, 'NAME_UNKNOWN'],
      ['GET', '/v2/a/b/referrers/sha256:short', 400, 'DIGEST_INVALID'],
      ['GET', '/v2/a/b/manifests/latest?ns=nobody.example', 404, 'NAME_UNKNOWN'],
      ['POST', '/v2/a/b/manifests/latest', 405, 'UNSUPPORTED'],
      ['PATCH', `/v2/a/b/blobs/${DIGEST}`, 405, 'UNSUPPORTED'],
    ]
  for (const [method, path, status, code] of refusals)
    it(`refuses ${method} ${path.length > 60 ? `${path.slice(0, 60)}…` : path} with ${status} ${code}`, async () => {
      const answer = await entrepot.ask(method, path)
      assert.equal(answer.status, status)
      assert.equal(answer.headers['content-type'], 'application/json')
      assert.equal((answer.json() as ErrorBody).errors[0]?.code, code)
      assert.doesNotMatch(answer.body.toString(), /node_modules|\.ts:|at \w+ \(/)
    })

  it('tells which methods a path has', async () => {
    const other = await entrepot.ask('POST', '/v2/a/b/tags/list')
    assert.match(String(other.headers.allow), /GET/)
    const options = await entrepot.ask('OPTIONS', '/v2/a/b/tags/list')
    assert.equal(options.status, 200)
    assert.match(String(options.headers.allow), /HEAD/)
  })

  it('reads a name from the right end of the path', async () => {
    const { manifest } = hub.addImage('foo/tags/list', 'latest')
    assert.deepEqual((await entrepot.get('/v2/foo/tags/list/manifests/latest')).body, manifest.bytes)
    assert.deepEqual(
      (await entrepot.get(`/v2/foo/tags/list/manifests/${manifest.digest.replace(':', '%3A')}`)).body,
      manifest.bytes,
    )
  })

  it('never compresses, whatever a client accepts', async () => {
    hub.addImage('library/plain', 'latest')
    const headers = { 'Accept-Encoding': 'zstd;q=1.0, gzip;q=0.8' }
    const answer = await entrepot.get('/v2/library/plain/manifests/latest', headers)
    assert.equal(answer.headers['content-encoding'], undefined)
  })

  it('answers a HEAD as its GET, without the body', async () => {
    const { layers } = hub.addImage('library/pair', 'latest')
    for (const path of ['/v2/library/pair/manifests/latest', `/v2/library/pair/blobs/${layers[0]?.digest}`]) {
      const [head, get] = [await entrepot.head(path), await entrepot.get(path)]
      assert.equal(head.body.length, 0)
      for (const name of ['content-length', 'content-type', 'docker-content-digest', 'etag'])
        assert.equal(head.headers[name], get.headers[name], `${name} of ${path}`)
    }
  })

  it('names the upstream that an ns asked for', async () => {
    hub.addImage('library/named', 'latest')
    const answer = await entrepot.get('/v2/library/named/manifests/latest?ns=docker.io')
    assert.equal(answer.headers['oci-namespace'], 'docker.io')
  })
})

describe('tags of a mirrored repository', () => {
  let hub: ScriptedUpstream
  let entrepot: TestEntrepot

  before(async () => {
    hub = await startScriptedUpstream({ pageSize: 3 })
    entrepot = await startEntrepot({ upstream: hub })
    for (const tag of ['b', 'a', 'C', '1.10', '1.9', 'a-b', 'a.b']) hub.addImage('library/many', tag)
  })
  after(async () => {
    await entrepot.stop()
    await hub.close()
  })

  const list = async (query = ''): Promise<unknown> =>
    ((await entrepot.get(`/v2/library/many/tags/list${query}`)).json() as { tags: unknown }).tags

  it('are listed in byte order, every page of the upstream read', async () => {
    assert.deepEqual(await list(), ['1.10', '1.9', 'C', 'a', 'a-b', 'a.b', 'b'])
  })

  it('come in pages, with a link to the next, and an end', async () => {
    const seen: string[] = []
    let path: string | undefined = '/v2/library/many/tags/list?n=2'
    while (path !== undefined) {
      const answer = await entrepot.get(path)
      seen.push(...(answer.json() as { tags: string[] }).tags)
      path = /<([^>]+)>; rel="next"/.exec(String(answer.headers.link ?? ''))?.[1]
    }
    assert.deepEqual(seen, await list())
  })

  it('begin after `last`, which need not exist; n=0 is an empty page', async () => {
    assert.deepEqual(await list('?last=C'), ['a', 'a-b', 'a.b', 'b'])
    assert.deepEqual(await list('?last=D&n=1'), ['a'])
    assert.deepEqual(await list('?n=0'), [])
  })

  it('are listed while the upstream is down', async () => {
    await list()
    await hub.stop()
    const answer = await entrepot.get('/v2/library/many/tags/list')
    assert.equal(answer.status, 200)
    assert.match(String(answer.headers.warning), /^299 - "/)
    await hub.start()
  })
})

describe('referrers of a mirrored repository', () => {
  for (const hasReferrers of [true, false])
    it(`are the upstream's, ${hasReferrers ? 'by its API' : 'by the tag schema'}`, async () => {
      const hub = await startScriptedUpstream({ hasReferrers })
      const entrepot = await startEntrepot({ upstream: hub })
      const { manifest } = hub.addImage('library/signed', 'latest')
      const path = `/v2/library/signed/referrers/${manifest.digest}`
      const answer = await entrepot.get(path)
      assert.equal(answer.status, 200)
      assert.equal(answer.headers['content-type'], 'application/vnd.oci.image.index.v1+json')
      assert.deepEqual((answer.json() as { manifests: unknown }).manifests, [])
      await entrepot.stop()
      await hub.close()
    })

  it('are an empty list for a repository that nobody knows', async () => {
    const hub = await startScriptedUpstream()
    const entrepot = await startEntrepot({ upstream: hub })
    const answer = await entrepot.get(`/v2/no/body/referrers/${DIGEST}?artifactType=a/b`)
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['oci-filters-applied'], 'artifactType')
    await entrepot.stop()
    await hub.close()
  })
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { Agent, request as httpRequest } from 'node:http'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import { seededBytes } from '../support/bytes.ts'
import { type Answer, listFolder, startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import { makeQuickFolder } from '../support/quick-folder.ts'
import { codeOf, locationOf, Pusher, withDigest } from './pusher.ts'

const BYTES = seededBytes(10_000)
const DIGEST = digestOf(BYTES)
const NAME = 'team/app'
const UNKNOWN = '00000000-0000-4000-8000-000000000000'

describe('uploads over HTTP', () => {
  let entrepot: TestEntrepot
  let pusher: Pusher

  before(async () => {
    entrepot = await startEntrepot({ config: { storage: { delete: { enabled: true } } } })
    pusher = new Pusher(entrepot)
  })
  after(() => entrepot.stop())

  const patch = (location: string, first: number, bytes: Buffer): Promise<Answer> =>
    entrepot.ask('PATCH', location, { 'Content-Range': `${first}-${first + bytes.length - 1}` }, bytes)

  it('begin with everything that old clients look for', async () => {
    for (const path of [`/v2/${NAME}/blobs/uploads/`, `/v2/${NAME}/blobs/uploads`]) {
      const { status, headers, body } = await entrepot.ask('POST', path)
      assert.equal(status, 202)
      assert.equal(headers.range, '0-0')
      assert.equal(headers['content-length'], '0')
      assert.equal(headers['content-type'], undefined)
      assert.equal(body.length, 0)
      const id = String(headers['docker-upload-uuid'])
      assert.match(String(headers.location), new RegExp(`^/v2/${NAME}/blobs/uploads/${id}\\?_state=[\\w-]+$`))
    }
  })

  it('go on chunk by chunk, each with its range and a new location', async () => {
    const first = await patch(await pusher.start(NAME), 0, BYTES.subarray(0, 6000))
    assert.deepEqual([first.status, first.headers.range], [202, '0-5999'])
    assert.equal(first.headers['content-length'], '0')
    assert.ok(first.headers['docker-upload-uuid'])
    const second = await patch(locationOf(first), 6000, BYTES.subarray(6000))
    assert.deepEqual([second.status, second.headers.range], [202, '0-9999'])
    const closed = await entrepot.ask('PUT', withDigest(locationOf(second), DIGEST))
    assert.equal(closed.status, 201)
    assert.equal(closed.headers.location, `/v2/${NAME}/blobs/${DIGEST}`)
    assert.equal(closed.headers['docker-content-digest'], DIGEST)
    assert.equal(closed.headers['content-length'], '0')
    assert.deepEqual((await entrepot.get(locationOf(closed))).body, BYTES)
    assert.equal(codeOf(await entrepot.get(locationOf(second))), 'BLOB_UPLOAD_UNKNOWN')
  })

  it('are told of at every location that was given, also with a digest on it', async () => {
    const start = await pusher.start(NAME)
    const location = locationOf(await patch(start, 0, BYTES))
    for (const each of [start, location, withDigest(start, DIGEST)])
      for (const method of ['GET', 'HEAD'] as const) {
        const { status, headers } = await entrepot.ask(method, each)
        assert.deepEqual([status, headers.range], [204, '0-9999'])
        assert.ok(headers.location)
      }
  })

  it('refuse a chunk at an old location, and go on at the one that the refusal names', async () => {
    const start = await pusher.start(NAME)
    await patch(start, 0, BYTES.subarray(0, 5000))
    for (const refused of [
      await patch(start, 0, BYTES.subarray(0, 5000)),
      await entrepot.ask('PATCH', start, {}, BYTES),
      await entrepot.ask('PUT', withDigest(start, DIGEST), {}, BYTES),
    ]) {
      assert.deepEqual([refused.status, codeOf(refused)], [416, 'RANGE_INVALID'])
      assert.equal(refused.headers.range, '0-4999')
      assert.equal((await entrepot.get(locationOf(refused))).status, 204)
    }
    const { headers } = await entrepot.get(start)
    const last = await entrepot.ask(
      'PUT',
      withDigest(String(headers.location), DIGEST),
      { 'Content-Range': '5000-9999' },
      BYTES.subarray(5000),
    )
    assert.equal(last.status, 201)
  })

  it('keep what came when the client leaves in the middle, and tell how much', async () => {
    const start = await pusher.start(NAME)
    const request = httpRequest(`${entrepot.url}${start}`, { method: 'PATCH', agent: new Agent() })
    request.on('error', () => {})
    request.write(BYTES.subarray(0, 4000))
    // On disk as soon as it can be told.
    for (let stored = 0; stored < 4000; ) stored = Number(/-(\d+)$/.exec(await rangeOf(start))?.[1]) + 1
    request.destroy()
    const { headers } = await entrepot.get(start)
    const rest = await patchWhenFree(String(headers.location), 4000, BYTES.subarray(4000))
    const closed = await entrepot.ask('PUT', withDigest(locationOf(rest), DIGEST))
    assert.equal(closed.status, 201)
  })

  const rangeOf = async (location: string): Promise<string> =>
    String((await entrepot.get(location)).headers.range)

  /** The server may hear of the broken connection a moment after its client has broken it. */
  const patchWhenFree = async (location: string, first: number, bytes: Buffer): Promise<Answer> => {
    for (let answer = await patch(location, first, bytes); ; answer = await patch(location, first, bytes))
      if (answer.status !== 416) return answer
  }

  it('end with the digest, which may be asked for again where it was missing or wrong by form', async () => {
    const location = locationOf(await patch(await pusher.start(NAME), 0, BYTES))
    for (const wrong of [location, withDigest(location, 'sha256:short'), withDigest(location, 'md5:00')]) {
      const refused = await entrepot.ask('PUT', wrong)
      assert.deepEqual([refused.status, codeOf(refused)], [400, 'DIGEST_INVALID'])
    }
    assert.equal((await entrepot.ask('PUT', withDigest(location, DIGEST))).status, 201)
  })

  it('are thrown away when the digest is another, and the answer is read by its client', async () => {
    const location = withDigest(await pusher.start(NAME), digestOf('something else'))
    const refused = await entrepot.ask('PUT', location, {}, BYTES)
    assert.deepEqual([refused.status, codeOf(refused)], [400, 'DIGEST_INVALID'])
    assert.equal((await entrepot.get(location)).status, 404)
  })

  it('of nothing are a blob of nothing', async () => {
    const digest = digestOf('')
    for (const body of [undefined, Buffer.alloc(0)]) {
      const answer = await entrepot.ask('PUT', withDigest(await pusher.start(NAME), digest), {}, body)
      assert.equal(answer.status, 201)
      const { status, headers } = await entrepot.head(`/v2/${NAME}/blobs/${digest}`)
      assert.deepEqual([status, headers['content-length']], [200, '0'])
    }
  })

  it('take a whole blob with the POST', async () => {
    for (const algorithm of ['sha256', 'sha512'] as const) {
      const bytes = seededBytes(2000, algorithm)
      const digest = digestOf(bytes, algorithm)
      const path = `/v2/${NAME}/blobs/uploads/?digest=${digest}`
      const answer = await entrepot.ask('POST', path, {}, bytes)
      assert.equal(answer.status, 201)
      assert.equal(answer.headers['docker-content-digest'], digest)
      assert.deepEqual((await entrepot.get(locationOf(answer))).body, bytes)
      assert.equal((await entrepot.ask('POST', path, {}, BYTES)).status, 400)
    }
  })

  it('are told their algorithm beforehand, if it is one', async () => {
    const path = (algorithm: string) => `/v2/${NAME}/blobs/uploads/?digest-algorithm=${algorithm}`
    const start = locationOf(await entrepot.ask('POST', path('sha512')))
    const digest = digestOf(BYTES, 'sha512')
    assert.equal((await entrepot.ask('PUT', withDigest(start, digest), {}, BYTES)).status, 201)
    assert.equal(codeOf(await entrepot.ask('POST', path('md5'))), 'DIGEST_INVALID')
  })

  it('cancelled are gone', async () => {
    const location = await pusher.start(NAME)
    assert.equal((await entrepot.ask('DELETE', location)).status, 204)
    for (const method of ['GET', 'DELETE', 'PATCH', 'PUT'] as const)
      assert.equal((await entrepot.ask(method, withDigest(location, DIGEST))).status, 404, method)
  })

  it('refuse a chunk whose length and range disagree, and store nothing of it', async () => {
    const location = await pusher.start(NAME)
    const refused = await entrepot.ask('PATCH', location, { 'Content-Range': '0-99' }, BYTES)
    assert.deepEqual([refused.status, codeOf(refused)], [400, 'SIZE_INVALID'])
    for (const range of ['bytes 0-9999/10000', '9-0', '0-', 'x', '0-99999999999999999999']) {
      const answer = await entrepot.ask('PATCH', location, { 'Content-Range': range }, BYTES)
      assert.deepEqual([answer.status, codeOf(answer)], [416, 'RANGE_INVALID'], range)
    }
    assert.equal((await patch(location, 0, BYTES)).status, 202)
  })

  for (const [what, bytes] of [
    ['more', BYTES],
    ['fewer', BYTES.subarray(0, 10)],
  ] as const)
    it(`refuse a chunk of unsaid length that has ${what} bytes than its range`, async () => {
      const location = await pusher.start(NAME)
      const headers = { 'Content-Range': '0-99', 'Transfer-Encoding': 'chunked' }
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      const request = httpRequest(`${entrepot.url}${location}`, { method: 'PATCH', headers, agent })
      request.end(bytes)
      const [answer] = await once(request, 'response')
      answer.resume()
      assert.equal(answer.statusCode, 400)
      agent.destroy()
      assert.equal(await rangeOf(location), '0-0')
      assert.equal((await patch(location, 0, BYTES)).status, 202)
    })

  it('tell a client who is refused in the middle of a large body, and go on with his connection', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const sockets = new Set<unknown>()
    for (let round = 0; round < 2; round += 1) {
      const headers = { 'Content-Range': '0-99', 'Transfer-Encoding': 'chunked' }
      const location = await pusher.start(NAME)
      const request = httpRequest(`${entrepot.url}${location}`, { method: 'PATCH', headers, agent })
      request.on('socket', (socket) => sockets.add(socket))
      request.end(seededBytes(20_000_000))
      const [answer] = await once(request, 'response')
      answer.resume()
      await Promise.all([once(answer, 'end'), once(request, 'close')])
      assert.equal(answer.statusCode, 400)
    }
    assert.equal(sockets.size, 1)
    agent.destroy()
  })

  it('know no location but those that they gave, for that repository', async () => {
    const location = await pusher.start(NAME)
    const [path, state] = location.split('?') as [string, string]
    const elsewhere = location.replace(NAME, 'team/other')
    const other = `${path.slice(0, path.lastIndexOf('/'))}/${UNKNOWN}?${state}`
    for (const forged of [path, `${path}?_state=`, `${path}?_state=AAAA`, elsewhere, other])
      for (const method of ['GET', 'PATCH', 'PUT', 'DELETE'] as const) {
        const answer = await entrepot.ask(method, forged)
        assert.deepEqual([answer.status, codeOf(answer)], [404, 'BLOB_UPLOAD_INVALID'], `${method} ${forged}`)
      }
    assert.equal((await entrepot.get(location)).status, 204)
  })

  it('mount what another repository has', async () => {
    const bytes = seededBytes(500, 'mounted')
    for (const algorithm of ['sha256', 'sha512'] as const) {
      const digest = await pusher.blob('team/source', bytes, algorithm)
      for (const [target, from] of [
        [`team/named-${algorithm}`, '&from=team/source'],
        [`team/unnamed-${algorithm}`, ''],
      ]) {
        const answer = await entrepot.ask('POST', `/v2/${target}/blobs/uploads/?mount=${digest}${from}`)
        assert.equal(answer.status, 201)
        assert.equal(answer.headers.location, `/v2/${target}/blobs/${digest}`)
        assert.equal(answer.headers['docker-content-digest'], digest)
        assert.deepEqual((await entrepot.get(locationOf(answer))).body, bytes)
      }
    }
  })

  it('begin where there is nothing to mount', async () => {
    const bytes = seededBytes(500, 'deleted')
    const digest = await pusher.blob('team/deleted', bytes)
    await entrepot.ask('DELETE', `/v2/team/deleted/blobs/${digest}`)
    for (const query of [
      `mount=${digestOf('nowhere')}&from=team/source`,
      `mount=${digestOf('nowhere')}`,
      `mount=${digest}&from=team/deleted`,
      // the bytes lie there still, but nobody has them
      `mount=${digest}`,
      `mount=${digest}&from=team/nobody`,
      `mount=${digest}&from=NO%20NAME`,
      'mount=sha256:short&from=team/source',
    ]) {
      const answer = await entrepot.ask('POST', `/v2/team/target/blobs/uploads/?${query}`)
      assert.equal(answer.status, 202, query)
      assert.match(locationOf(answer), /^\/v2\/team\/target\/blobs\/uploads\//)
    }
  })

  it('take six pushes of one blob at once', async () => {
    const bytes = seededBytes(300_000, 'six')
    const pushes = Array.from({ length: 6 }, () => pusher.blob('team/six', bytes))
    assert.deepEqual(new Set(await Promise.all(pushes)), new Set([digestOf(bytes)]))
    assert.deepEqual((await entrepot.get(`/v2/team/six/blobs/${digestOf(bytes)}`)).body, bytes)
  })
})

describe('uploads', () => {
  let root: string
  beforeEach(async () => {
    root = await makeQuickFolder()
  })
  afterEach(() => rm(root, { recursive: true }))

  it('go on after a restart, at the locations of before', async () => {
    const one = await startEntrepot({ root })
    const start = await new Pusher(one).start(NAME)
    const patched = await one.ask('PATCH', start, {}, BYTES.subarray(0, 4000))
    await one.stop()
    const other = await startEntrepot({ root })
    assert.equal((await other.get(start)).headers.range, '0-3999')
    const next = await other.ask('PATCH', locationOf(patched), {}, BYTES.subarray(4000))
    assert.equal((await other.ask('PUT', withDigest(locationOf(next), DIGEST))).status, 201)
    await other.stop()
    assert.deepEqual(await listFolder(root, 'entrepot/uploads'), [])
  })

  it('are the same for servers of the same http.secret, and nobody else’s', async () => {
    const [one, same, other] = await Promise.all(
      ['secret', 'secret', 'another'].map((secret) => startEntrepot({ root, config: { http: { secret } } })),
    )
    const start = await new Pusher(one!).start(NAME)
    assert.equal((await same!.get(start)).status, 204)
    assert.equal(codeOf(await other!.get(start)), 'BLOB_UPLOAD_INVALID')
    for (const each of [one, same]) await each!.end()
    await other!.stop()
  })

  it('are where http.host and http.prefix say', async () => {
    const http = { host: 'https://registry.example:8443/', prefix: '/lab/' }
    const entrepot = await startEntrepot({ root, config: { http } })
    const start = await entrepot.ask('POST', `/lab/v2/${NAME}/blobs/uploads/`)
    const place = 'https://registry.example:8443/lab/v2/team/app/blobs/'
    assert.ok(locationOf(start).startsWith(`${place}uploads/`), locationOf(start))
    const path = locationOf(start).replace('https://registry.example:8443', '')
    const closed = await entrepot.ask('PUT', withDigest(path, DIGEST), {}, BYTES)
    assert.equal(locationOf(closed), `${place}${DIGEST}`)
    await entrepot.stop()
  })

  it('are refused, as every write is, by a registry that is read-only', async () => {
    const writable = await startEntrepot({ root })
    await new Pusher(writable).blob(NAME, BYTES)
    await writable.stop()
    const storage = { maintenance: { readonly: { enabled: true } }, delete: { enabled: true } }
    const entrepot = await startEntrepot({ root, config: { storage } })
    for (const [method, path] of [
      ['POST', 'blobs/uploads/'],
      ['PUT', 'manifests/latest'],
      ['DELETE', 'manifests/latest'],
      ['DELETE', `blobs/${DIGEST}`],
    ] as const) {
      const answer = await entrepot.ask(method, `/v2/${NAME}/${path}`)
      assert.deepEqual([answer.status, codeOf(answer)], [405, 'UNSUPPORTED'])
      assert.equal(answer.headers.allow, 'GET, HEAD')
    }
    assert.equal((await entrepot.get(`/v2/${NAME}/blobs/${DIGEST}`)).status, 200)
    await entrepot.stop()
  })
})

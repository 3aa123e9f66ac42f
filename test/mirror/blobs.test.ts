import assert from 'node:assert/strict'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { StorageDriver } from '../../src/store/driver.ts'
import { blobKey } from '../../src/store/paths.ts'
import { seededBytes, seededContent } from '../support/bytes.ts'
import { listFolder, startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import fc from '../support/fast-check.ts'
import { makeManifest } from '../support/images.ts'
import type { Fault } from '../support/scripted/faults.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'

const SIZE = 300_000
const BYTES = seededBytes(SIZE)

describe('a blob of a mirrored repository', () => {
  let hub: ScriptedUpstream
  let entrepot: TestEntrepot
  let path: string
  let digest: string

  beforeEach(async () => {
    hub = await startScriptedUpstream({ redirect: {} })
    const blob = hub.addBlob('library/alpine', BYTES)
    digest = blob.digest
    path = `/v2/library/alpine/blobs/${digest}`
    entrepot = await startEntrepot({ upstream: hub, config: { limits: { stall: '100ms' } } })
  })
  afterEach(async () => {
    await entrepot.stop()
    await hub.close()
  })

  const isStored = async (): Promise<boolean> => {
    const file = join(entrepot.root, blobKey(digest as never))
    const stored = await readFile(file).catch(() => undefined)
    return stored?.equals(BYTES) ?? false
  }

  it('comes whole, with its length and digest, and is stored', async () => {
    const answer = await entrepot.get(path)
    assert.equal(answer.status, 200)
    assert.deepEqual(answer.body, BYTES)
    assert.equal(answer.headers['content-length'], String(SIZE))
    assert.equal(answer.headers['docker-content-digest'], digest)
    assert.equal(answer.headers['content-type'], 'application/octet-stream')
    assert.equal(answer.headers['accept-ranges'], 'bytes')
    await entrepot.settle()
    assert.ok(await isStored())
  })

  it('is not asked of the upstream again, and is served without it', async () => {
    await entrepot.get(path)
    await entrepot.settle()
    await hub.stop()
    assert.deepEqual((await entrepot.get(path)).body, BYTES)
    assert.equal(hub.counts.blob, 1)
  })

  it('costs one upstream GET however many clients ask at once', async () => {
    const hang = hub.fault('cdn', { hangAt: 1000 })
    const asks = Array.from({ length: 32 }, () => entrepot.get(path))
    await hang.met
    hang.release()
    for (const answer of await Promise.all(asks)) assert.deepEqual(answer.body, BYTES)
    assert.equal(hub.counts.blob, 1)
  })

  it('begins to arrive before the fetch has ended', async () => {
    const hang = hub.fault('cdn', { hangAt: 100_000 })
    const part = await entrepot.get(path, { Range: 'bytes=0-49999' })
    assert.deepEqual(part.body, BYTES.subarray(0, 50_000))
    hang.release()
  })

  it('answers every Range as the bytes are, cold and warm', async () => {
    const offset = fc.integer({ min: 0, max: SIZE + 10 })
    const check = async (first: number, last: number): Promise<void> => {
      const answer = await entrepot.get(path, { Range: `bytes=${first}-${last}` })
      const isSound = first <= last && first < SIZE
      assert.equal(answer.status, isSound ? 206 : 416)
      if (!isSound) return assert.equal(answer.headers['content-range'], `bytes */${SIZE}`)
      const end = Math.min(last, SIZE - 1)
      assert.equal(answer.headers['content-range'], `bytes ${first}-${end}/${SIZE}`)
      assert.deepEqual(answer.body, BYTES.subarray(first, end + 1))
    }
    await fc.assert(fc.asyncProperty(offset, offset, check), { numRuns: 60 })
  })

  it('costs a HEAD one upstream HEAD, and no download', async () => {
    const answer = await entrepot.head(path)
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['content-length'], String(SIZE))
    assert.deepEqual([hub.counts.blob, hub.counts.blobHead], [0, 1])
  })

  it('is fetched to the end though its client left', async () => {
    const hang = hub.fault('cdn', { hangAt: 1000 })
    const leaving = new AbortController()
    const left = fetch(`${entrepot.url}${path}`, { signal: leaving.signal }).then((answer) =>
      answer.arrayBuffer(),
    )
    await hang.met
    leaving.abort()
    await left.catch(() => {})
    hang.release()
    assert.deepEqual((await entrepot.get(path)).body, BYTES)
    assert.equal(hub.counts.blob, 1)
  })

  it('of another repository with the same bytes is asked for there by HEAD, and then linked', async () => {
    await entrepot.get(path)
    await entrepot.settle()
    hub.addBlob('other/app', BYTES)
    assert.deepEqual((await entrepot.get(`/v2/other/app/blobs/${digest}`)).body, BYTES)
    assert.deepEqual([hub.counts.blob, hub.counts.blobHead], [1, 1])
  })

  it('opens nothing in a repository that does not have it', async () => {
    await entrepot.get(path)
    await entrepot.settle()
    const answer = await entrepot.get(`/v2/other/app/blobs/${digest}`)
    assert.equal(answer.status, 404)
    assert.equal((answer.json() as { errors: { code: string }[] }).errors[0]?.code, 'BLOB_UNKNOWN')
  })

  describe('whose fetch begins just while another repository looks for it', () => {
    let slow: TestEntrepot
    let looks: number
    let goOn: () => void

    beforeEach(async () => {
      looks = 0
      const wrapDriver = (driver: StorageDriver): StorageDriver => {
        const stat = async (key: string) => {
          const found = await driver.stat(key)
          if (key !== blobKey(digest as never)) return found
          looks += 1
          if (looks === 1) await new Promise<void>((resolve) => (goOn = resolve))
          return found
        }
        const get = (_: StorageDriver, name: string | symbol): unknown => {
          const own: unknown = name === 'stat' ? stat : Reflect.get(driver, name)
          return typeof own === 'function' ? own.bind(driver) : own
        }
        return new Proxy(driver, { get })
      }
      slow = await startEntrepot({ upstream: hub, wrapDriver })
    })
    afterEach(() => slow.stop())

    /** Asks for it where it is, and lets the other repository's look come to its end once it is being fetched. */
    const fetchMeanwhile = async () => {
      const hang = hub.fault('cdn', { hangAt: 1000 })
      while (looks === 0) await nextTurn()
      const own = slow.get(path)
      await hang.met
      goOn()
      await nextTurn()
      return { own, hang }
    }

    it('is not opened there', async () => {
      const foreign = slow.get(`/v2/other/app/blobs/${digest}`)
      const { own, hang } = await fetchMeanwhile()
      hang.release()
      assert.deepEqual((await own).body, BYTES)
      assert.equal((await foreign).status, 404)
    })

    it('is not had there for a manifest that names it', async () => {
      const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: SIZE }
      const mediaType = 'application/vnd.oci.image.manifest.v1+json'
      hub.addManifest(
        'other/app',
        'latest',
        makeManifest({ schemaVersion: 2, mediaType, config, layers: [] }),
      )
      await slow.get('/v2/other/app/manifests/latest')
      const { own, hang } = await fetchMeanwhile()
      hang.release()
      assert.deepEqual((await own).body, BYTES)
      await slow.settle()
      assert.equal((await slow.get(`/v2/other/app/blobs/${digest}`)).status, 404)
    })
  })

  it('begun far ahead of the fetch is asked for as that range', async () => {
    const large = hub.addBlob('library/alpine', seededContent(40_000_000, 'large'))
    const hang = hub.fault('cdn', { hangAt: 1000 })
    const whole = entrepot.get(`/v2/library/alpine/blobs/${large.digest}`)
    await hang.met
    const end = await entrepot.get(`/v2/library/alpine/blobs/${large.digest}`, { Range: 'bytes=39999000-' })
    assert.deepEqual(end.body, seededBytes(40_000_000, 'large').subarray(39_999_000))
    assert.equal(hub.counts.blob, 2)
    hang.release()
    assert.equal((await whole).body.length, 40_000_000)
  })

  describe('from an upstream that goes wrong', () => {
    for (const dropAt of [0, 1, 999, 65_536, 131_072, SIZE - 1])
      it(`is resumed when it drops at byte ${dropAt}, and clients notice nothing`, async () => {
        hub.fault('cdn', { dropAt })
        const answer = await entrepot.get(path)
        assert.deepEqual(answer.body, BYTES)
        const ranges = hub.requests.filter(({ kind }) => kind === 'cdn').map(({ headers }) => headers.range)
        if (dropAt > 0) assert.match(String(ranges[1]), /^bytes=\d+-/)
        assert.ok(hub.requests.every(({ headers }) => !headers['if-range'] && !headers['if-match']))
      })

    it('is resumed many times over', async () => {
      for (let at = 20_000; at < SIZE; at += 20_000) hub.fault('cdn', { dropAt: 20_000 })
      assert.deepEqual((await entrepot.get(path)).body, BYTES)
    })

    it('is read from zero, the known bytes skipped, where a range is answered with the whole', async () => {
      hub.fault('cdn', { dropAt: 100_000 })
      hub.fault('cdn', { ignoreRange: true })
      assert.deepEqual((await entrepot.get(path)).body, BYTES)
    })

    it('goes on after a hang in the body', async () => {
      const hang = hub.fault('cdn', { hangAt: 50_000 })
      assert.deepEqual((await entrepot.get(path)).body, BYTES)
      hang.release()
    })

    const lies = {
      'wrong bytes': { corruptAt: 1000 },
      'a wrong last byte': { corruptAt: SIZE - 1 },
      'too few bytes': { growBy: -10 },
      'too many bytes': { growBy: 10 },
    } as const
    for (const [name, fault] of Object.entries(lies))
      it(`is never given whole, nor stored, when it sends ${name}`, async () => {
        hub.fault('cdn', { ...fault, times: 1 })
        const answer = await entrepot.get(path)
        assert.ok(
          answer.isCut || answer.status >= 500,
          `status ${answer.status}, ${answer.body.length} bytes`,
        )
        await entrepot.settle()
        assert.ok(!(await isStored()))
        assert.deepEqual(await listFolder(entrepot.root, 'entrepot/partials'), [])
        assert.deepEqual((await entrepot.get(path)).body, BYTES, 'the next pull is right')
      })

    it('is cut short when a resumed range begins elsewhere', async () => {
      hub.fault('cdn', { dropAt: 100_000 })
      hub.fault('cdn', { shiftRangeBy: 10, times: 1 })
      const answer = await entrepot.get(path)
      assert.ok(answer.isCut || answer.body.equals(BYTES))
      assert.deepEqual((await entrepot.get(path)).body, BYTES)
    })

    it('is asked again through the registry when a signed address has expired', async () => {
      hub.fault('cdn', { dropAt: 100_000 })
      const resumed = hub.fault('blob', { times: 1, when: ({ headers }) => headers.range !== undefined })
      assert.deepEqual((await entrepot.get(path)).body, BYTES)
      assert.equal(resumed.count, 1)
    })

    it('comes after a 401 in mid-life', async () => {
      hub.fault('blob', { status: 500, times: 1 })
      assert.deepEqual((await entrepot.get(path)).body, BYTES)
    })

    it('is 502 when it only fails, and 404 where it says so', async () => {
      hub.fault('blob', { status: 404, body: '{"errors":[{"code":"BLOB_UNKNOWN"}]}' })
      assert.equal((await entrepot.get(path)).status, 404)
      await hub.stop()
      assert.equal((await entrepot.get(`/v2/library/other/blobs/${digest}`)).status, 502)
    })
  })

  const promised: [what: string, fault: Fault, status: number][] = [
    ['broken off', { dropAt: 0, times: 9 }, 502],
    ['silent', { hangAt: 0, times: 9 }, 504],
  ]
  for (const [what, fault, status] of promised)
    it(`promised by an upstream that is ${what} before the first byte is ${status}, not silence`, async () => {
      const limits = { stall: '100ms', resume: '1ms' }
      const hasty = await startEntrepot({ upstream: hub, config: { limits } })
      hub.fault('cdn', fault)
      const answer = await hasty.get(path)
      assert.equal(answer.status, status)
      assert.deepEqual(
        (answer.json() as { errors: { code: string }[] }).errors.map(({ code }) => code),
        ['UNAVAILABLE'],
      )
      assert.deepEqual(await listFolder(hasty.root, 'entrepot/partials'), [])
      await hasty.stop()
    })

  it('is kept under its final name only whole', async () => {
    const hang = hub.fault('cdn', { hangAt: 200_000 })
    const ask = entrepot.get(path)
    await hang.met
    await assert.rejects(stat(join(entrepot.root, blobKey(digest as never))))
    hang.release()
    await ask
  })
})

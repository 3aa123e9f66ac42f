import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { openAdmin, type TestAdmin } from '../../support/admin.ts'
import { makeFolder, startEntrepot, type TestEntrepot } from '../../support/entrepot.ts'
import { makeImage, makeIndex, type TestImage } from '../../support/images.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../../support/scripted-upstream.ts'
import { Pusher } from '../pusher.ts'

const MINUTE_MS = 60_000

let hub: ScriptedUpstream
let entrepot: TestEntrepot
let admin: TestAdmin
let nowMs: number

beforeEach(async () => {
  nowMs = Date.UTC(2026, 0, 1)
  hub = await startScriptedUpstream()
  entrepot = await startEntrepot({
    upstream: hub,
    now: () => nowMs,
    config: {
      cache: { prefetch: false, freshness: [{ tags: ['stable'], for: '10m' }] },
      local: { repositories: ['team/**'], push: 'anyone' },
    },
  })
  admin = await openAdmin(entrepot)
})
afterEach(async () => {
  await entrepot.stop()
  await hub.close()
})

const pull = async (name: string, reference: string, image?: TestImage): Promise<void> => {
  assert.equal((await entrepot.get(`/v2/${name}/manifests/${reference}`)).status, 200)
  for (const { digest } of image === undefined ? [] : [image.config, ...image.layers])
    assert.equal((await entrepot.get(`/v2/${name}/blobs/${digest}`)).status, 200)
  await entrepot.settle()
}

describe('the list of repositories', () => {
  it('tells of each what it is, how large, and when it was used', async () => {
    const image = hub.addImage('app/web', '1')
    await pull('app/web', '1', image)
    await new Pusher(entrepot).image('team/app', '1', makeImage({ seed: 'local' }))
    const { repositories, next } = await admin.call('listRepositories')
    assert.equal(next, undefined)
    const [web, team] = repositories
    const sizeBytes = [image.config, ...image.layers].reduce(
      (sum, blob) => sum + blob.sizeBytes,
      image.manifest.bytes.length,
    )
    const { upstream, ...rest } = web ?? assert.fail('nothing is listed')
    assert.equal(upstream, (await admin.call('status')).upstreams[0]?.name)
    assert.deepEqual(rest, {
      name: 'app/web',
      kind: 'mirrored',
      tags: 1,
      manifests: 1,
      sizeBytes,
      usedAt: new Date(nowMs).toISOString(),
      pulls: 1,
    })
    assert.deepEqual(
      [team?.name, team?.kind, team?.upstream, team?.usedAt],
      ['team/app', 'local', undefined, undefined],
    )
  })

  it('comes page by page, and by a glob', async () => {
    for (const name of ['a/one', 'a/two', 'b/x', 'b/x/one', 'c/one']) {
      hub.addImage(name, '1', { layers: [10] })
      await pull(name, '1')
    }
    const pages: string[][] = []
    let last: string | undefined
    do {
      const parameters = { n: '2', ...(last !== undefined && { last }) }
      const page = await admin.call('listRepositories', { parameters })
      pages.push(page.repositories.map(({ name }) => name))
      last = page.next
    } while (last !== undefined)
    assert.deepEqual(pages, [['a/one', 'a/two'], ['b/x', 'b/x/one'], ['c/one']])
    const some = await admin.call('listRepositories', { parameters: { filter: '*/one' } })
    assert.deepEqual(
      some.repositories.map(({ name }) => name),
      ['a/one', 'c/one'],
    )
  })

  it('refuses a page of no size, or of none at all', async () => {
    for (const n of ['0', '-1', '1001', '1.5', 'x'])
      await admin.refuse('listRepositories', { parameters: { n } }, 400, 'UNSUPPORTED')
  })
})

describe('the contents of a repository', () => {
  it('tells of each tag what it stands for, whether it is fresh, and how often it was pulled', async () => {
    const image = hub.addImage('app/web', 'stable')
    await pull('app/web', 'stable', image)
    await pull('app/web', 'stable')
    const { tags, manifests } = await admin.call('describeRepository', {
      parameters: { repository: 'app/web' },
    })
    const [tag] = tags
    assert.deepEqual(
      [tag?.tag, tag?.digest, tag?.pulls, tag?.isFresh],
      ['stable', image.manifest.digest, 2, true],
    )
    assert.equal(tag?.askedAt, new Date(nowMs).toISOString())
    assert.equal(tag.sizeBytes, tag.ownBytes)
    assert.deepEqual(manifests[0]?.tags, ['stable'])
    nowMs += 11 * MINUTE_MS
    const later = await admin.call('describeRepository', { parameters: { repository: 'app/web' } })
    assert.equal(later.tags[0]?.isFresh, false)
  })

  it('gives nothing of two tags of one manifest to either of them alone', async () => {
    const image = hub.addImage('app/web', '1')
    hub.addImage('app/web', 'latest', image)
    await pull('app/web', '1', image)
    await pull('app/web', 'latest', image)
    const { tags, manifests, sizeBytes } = await admin.call('describeRepository', {
      parameters: { repository: 'app/web' },
    })
    assert.deepEqual(
      tags.map(({ ownBytes }) => ownBytes),
      [0, 0],
    )
    assert.deepEqual([manifests[0]?.ownBytes, manifests[0]?.tags], [sizeBytes, ['1', 'latest']])
  })

  it('comes page by page', async () => {
    for (const tag of ['a', 'b', 'c']) {
      hub.addImage('app/web', tag, { seed: tag, layers: [10] })
      await pull('app/web', tag)
    }
    const parameters = { repository: 'app/web', n: '2' }
    const first = await admin.call('describeRepository', { parameters })
    assert.deepEqual([first.tags.map(({ tag }) => tag), first.next, first.tagCount], [['a', 'b'], 'b', 3])
    const rest = await admin.call('describeRepository', { parameters: { ...parameters, last: 'b' } })
    assert.deepEqual([rest.tags.map(({ tag }) => tag), rest.next], [['c'], undefined])
  })
})

describe('pulls', () => {
  it('count an image once, whatever a client asks for on the way', async () => {
    const image = makeImage({ seed: 'amd' })
    hub.addImage('app/multi', undefined, image)
    const index = hub.addManifest(
      'app/multi',
      '1',
      makeIndex([{ image, os: 'linux', architecture: 'amd64' }]),
    )
    const read = async () => {
      const { repositories } = await admin.call('listRepositories')
      const { tags } = await admin.call('describeRepository', { parameters: { repository: 'app/multi' } })
      return [repositories[0]?.pulls, tags[0]?.pulls]
    }
    // As dockerd does: by tag, then the manifest of its platform.
    await pull('app/multi', '1')
    await pull('app/multi', image.manifest.digest)
    assert.deepEqual(await read(), [1, 1])
    // As containerd does: a HEAD of the tag, then everything by digest.
    await entrepot.head('/v2/app/multi/manifests/1')
    await pull('app/multi', index.digest)
    await pull('app/multi', image.manifest.digest)
    assert.deepEqual(await read(), [2, 2])
    await entrepot.head('/v2/app/multi/manifests/1')
    assert.deepEqual(await read(), [2, 2])
  })

  it('outlive a restart', async () => {
    hub.addImage('app/web', '1')
    const root = await makeFolder()
    try {
      for (const pulls of [1, 2]) {
        const again = await startEntrepot({ upstream: hub, root })
        await again.get('/v2/app/web/manifests/1')
        await again.settle()
        const { repositories } = await (await openAdmin(again)).call('listRepositories')
        await again.stop()
        assert.equal(repositories[0]?.pulls, pulls)
      }
    } finally {
      await rm(root, { recursive: true })
    }
  })
})

describe('a refresh', () => {
  it('asks the upstream though the tag is fresh, and keeps what it says', async () => {
    const old = hub.addImage('app/web', 'stable', { seed: 'old' })
    await pull('app/web', 'stable')
    const body = { repository: 'app/web', tag: 'stable' }
    const same = await admin.call('refresh', { body })
    assert.deepEqual(same, {
      digest: old.manifest.digest,
      previousDigest: old.manifest.digest,
      isChanged: false,
    })
    const fresh = hub.addImage('app/web', 'stable', { seed: 'new' })
    const moved = await admin.call('refresh', { body })
    assert.deepEqual(moved, {
      digest: fresh.manifest.digest,
      previousDigest: old.manifest.digest,
      isChanged: true,
    })
    await entrepot.settle()
    hub.resetCounts()
    const { headers } = await entrepot.get('/v2/app/web/manifests/stable')
    assert.equal(headers['docker-content-digest'], fresh.manifest.digest)
    assert.deepEqual([hub.counts.manifest, hub.counts.manifestHead], [0, 0])
  })

  it('fetches what is not here, and says what the upstream does not have', async () => {
    const image = hub.addImage('app/new', '1')
    const body = { repository: 'app/new', tag: '1' }
    assert.deepEqual(await admin.call('refresh', { body }), {
      digest: image.manifest.digest,
      isChanged: true,
    })
    await entrepot.settle()
    hub.remove('app/new', '1')
    await admin.refuse('refresh', { body }, 404, 'MANIFEST_UNKNOWN')
    const { tags } = await admin.call('describeRepository', { parameters: { repository: 'app/new' } })
    assert.deepEqual(tags, [])
  })

  it('tells why it has failed, and is not for what is local', async () => {
    hub.addImage('app/web', '1')
    hub.fault('manifestHead', { status: 500, times: 10 } as never)
    const message = await admin.refuse(
      'refresh',
      { body: { repository: 'app/web', tag: '1' } },
      502,
      'UNAVAILABLE',
    )
    assert.match(message, /500/)
    await admin.refuse('refresh', { body: { repository: 'team/app', tag: '1' } }, 409, 'DENIED')
  })
})

describe('an explanation', () => {
  const explain = async (reference: string, ns?: string) =>
    admin.call('explain', { parameters: { reference, ...(ns !== undefined && { ns }) } })

  it('says what would be fetched, from where and under which name', async () => {
    const { verdict, repository, kind, reasons, digest } = await explain('app/web:1')
    assert.deepEqual([verdict, repository, kind, digest], ['miss', 'app/web', 'mirrored', undefined])
    assert.match(reasons.join(), /is asked for app\/web/)
  })

  it('takes references as clients write them', async () => {
    const host = new URL(hub.url).host
    const cases: [text: string, repository: string][] = [
      ['app/web', 'app/web'],
      ['localhost:5000/app/web:1', 'app/web'],
      [`${host}/app/web:1`, 'app/web'],
      [`app/web:1@sha256:${'0'.repeat(64)}`, 'app/web'],
    ]
    for (const [text, repository] of cases) assert.equal((await explain(text)).repository, repository, text)
    for (const text of ['App/Web', 'app/web:-', 'app/web@sha256:1'])
      assert.equal((await admin.ask('explain', { parameters: { reference: text } })).status, 400, text)
  })

  it('says that a fresh tag is a hit until when, and another one asked for', async () => {
    const image = hub.addImage('app/web', 'stable')
    hub.addImage('app/web', 'moving', image)
    for (const tag of ['stable', 'moving']) await pull('app/web', tag, image)
    const fresh = await explain('app/web:stable')
    assert.deepEqual([fresh.verdict, fresh.isComplete, fresh.digest], ['hit', true, image.manifest.digest])
    assert.equal(fresh.freshUntil, new Date(nowMs + 10 * MINUTE_MS).toISOString())
    const asked = await explain('app/web:moving')
    assert.deepEqual([asked.verdict, asked.freshUntil, asked.upstreamState], ['ask', undefined, 'well'])
    nowMs += 11 * MINUTE_MS
    assert.equal((await explain('app/web:stable')).verdict, 'ask')
    assert.equal((await explain(`app/web@${image.manifest.digest}`)).verdict, 'hit')
  })

  it('says what is missing, and that an outage is served from here', async () => {
    const image = hub.addImage('app/web', '1')
    await pull('app/web', '1')
    const { upstreams } = await admin.call('status')
    const parameters = { name: upstreams[0]?.name ?? '' }
    await admin.call('declareOutage', { parameters, body: { for: '10m' } })
    const { verdict, isComplete, missing, upstreamState } = await explain('app/web:1')
    assert.deepEqual([verdict, isComplete, upstreamState], ['stale', false, 'outage'])
    assert.deepEqual(
      missing,
      [image.config, ...image.layers].map(({ digest }) => digest),
    )
  })

  it('says that what is pushed is local, and what is refused by which rule', async () => {
    await new Pusher(entrepot).image('team/app', '1', makeImage({ seed: 'local' }))
    assert.equal((await explain('team/app:1')).verdict, 'local')
    const none = await explain('team/app:2')
    assert.deepEqual([none.verdict, none.digest], ['local', undefined])
    const refused = await explain('app/web', 'elsewhere.example')
    assert.equal(refused.verdict, 'refused')
    assert.match(refused.reasons.join(), /elsewhere\.example/)
  })

  it('says that a pin holds it', async () => {
    hub.addImage('app/web', '1')
    await pull('app/web', '1')
    await admin.call('pin', { body: { repository: 'app/web', reference: '1' } })
    assert.equal((await explain('app/web:1')).isPinned, true)
    assert.equal((await explain('app/web:2')).isPinned, false)
    await admin.refuse('pin', { body: { repository: 'team/app', reference: '1' } }, 409, 'DENIED')
  })
})

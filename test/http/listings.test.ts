import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import { MEDIA_TYPES } from '../../src/protocol/manifest.ts'
import { type Answer, startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import { makeImage } from '../support/images.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'
import { bytesOf, codeOf, Pusher } from './pusher.ts'

const IMAGE = makeImage({ layers: [10] })
const TAGS = ['Z', '_', 'a', 'a-1', 'a.1', 'aa', 'b', '10', '9']

describe('lists', () => {
  let entrepot: TestEntrepot
  let pusher: Pusher

  before(async () => {
    entrepot = await startEntrepot({ config: { tags: { maxtags: 5 }, catalog: { maxentries: 4 } } })
    pusher = new Pusher(entrepot)
    for (const tag of TAGS) await pusher.image('team/app', tag, IMAGE)
  })
  after(() => entrepot.stop())

  /** Reads a list page by page, and gives what is in each. */
  const readPages = async <T>(path: string, read: (answer: Answer) => T): Promise<T[]> => {
    const pages: T[] = []
    for (let next: string | undefined = path; next !== undefined; ) {
      const answer: Answer = await entrepot.get(next)
      assert.equal(answer.status, 200)
      pages.push(read(answer))
      next = /^<([^>]+)>; rel="next"$/.exec(String(answer.headers.link ?? ''))?.[1]
      assert.ok(pages.length < 20, 'the list does not end')
    }
    return pages
  }

  describe('of tags', () => {
    const path = '/v2/team/app/tags/list'
    const tagsOf = (answer: Answer): string[] => (answer.json() as { tags: string[] }).tags
    const sorted = [...TAGS].sort()

    it('are whole and in byte order where nobody asks for pages', async () => {
      const answer = await entrepot.get(path)
      assert.deepEqual(answer.json(), { name: 'team/app', tags: sorted })
      assert.equal(answer.headers['content-type'], 'application/json')
      assert.equal(answer.headers.link, undefined)
    })

    it('come in pages as large as asked for, or allowed', async () => {
      for (const [n, size] of [
        [2, 2],
        [4, 4],
        [100, 5],
      ] as const) {
        const pages = await readPages(`${path}?n=${n}`, tagsOf)
        assert.deepEqual(pages.flat(), sorted)
        assert.equal(pages[0]?.length, size)
      }
    })

    it('begin after a tag that need not exist', async () => {
      assert.deepEqual(tagsOf(await entrepot.get(`${path}?last=a-`)), sorted.slice(sorted.indexOf('a-1')))
      assert.deepEqual(tagsOf(await entrepot.get(`${path}?last=zz`)), [])
    })

    it('are none for n=0, without a next page', async () => {
      const answer = await entrepot.get(`${path}?n=0`)
      assert.deepEqual([tagsOf(answer), answer.headers.link], [[], undefined])
    })

    it('are empty where every tag was deleted, and unknown where there never was anything', async () => {
      const deleting = await startEntrepot({ config: { storage: { delete: { enabled: true } } } })
      await new Pusher(deleting).image('team/app', 'only', IMAGE)
      await deleting.ask('DELETE', '/v2/team/app/manifests/only')
      assert.deepEqual(tagsOf(await deleting.get(path)), [])
      assert.equal(codeOf(await deleting.get('/v2/team/other/tags/list')), 'NAME_UNKNOWN')
      await deleting.stop()
    })
  })

  describe('of repositories', () => {
    const names = ['team', 'team/app', 'team/app/deep', 'team-b', 'team.c', 'a', 'z/y/x']
    const repositoriesOf = (answer: Answer): string[] =>
      (answer.json() as { repositories: string[] }).repositories

    before(async () => {
      for (const name of names) await pusher.image(name, 'latest', IMAGE)
    })

    const sorted = ['a', 'team', 'team/app', 'team/app/deep', 'team-b', 'team.c', 'z/y/x']

    it('come in pages in the order of a catalog', async () => {
      for (const query of ['', '?n=1', '?n=3', '?n=4']) {
        const pages = await readPages(`/v2/_catalog${query}`, repositoriesOf)
        assert.deepEqual(pages.flat(), sorted)
        assert.equal(pages[0]?.length, query === '' ? 4 : Number(query.slice(3)))
      }
    })

    it('begin after a name', async () => {
      assert.deepEqual(repositoriesOf(await entrepot.get('/v2/_catalog?last=team/zzz')), sorted.slice(4))
    })

    it('are refused in larger pages than allowed, and by numbers that are none', async () => {
      for (const n of ['5', '-1', 'x'])
        assert.equal(codeOf(await entrepot.get(`/v2/_catalog?n=${n}`)), 'PAGINATION_NUMBER_INVALID')
    })
  })

  describe('of referrers', () => {
    const SUBJECT = IMAGE.manifest.digest
    const path = `/v2/team/app/referrers/${SUBJECT}`
    const big = 'x'.repeat(900_000)
    const types = ['application/x-a', 'application/x-b']
    const referrers = Array.from({ length: 12 }, (_, i) =>
      makeImage({
        seed: `referrer ${i}`,
        layers: [],
        subject: IMAGE.manifest,
        artifactType: types[i % 2]!,
        annotations: { big },
      }),
    )
    const sorted = referrers.map(({ manifest }) => manifest.digest).sort()
    const digestsOf = (answer: Answer): string[] =>
      (answer.json() as { manifests: { digest: string }[] }).manifests.map(({ digest }) => digest)

    before(async () => {
      for (const { config, manifest } of referrers) {
        await pusher.blob('team/app', await bytesOf(config))
        assert.equal((await pusher.put('team/app', manifest.digest, manifest)).status, 201)
      }
    })

    it('are an index, a page no larger than clients take', async () => {
      const answer = await entrepot.get(path)
      assert.equal(answer.headers['content-type'], MEDIA_TYPES.ociIndex)
      assert.ok(answer.body.length < 4 * 1024 * 1024)
      const pages = await readPages(path, digestsOf)
      assert.ok(pages.length >= 3)
      assert.deepEqual(pages.flat(), sorted)
    })

    it('are those of the types asked for, on every page', async () => {
      for (const [query, wanted] of [
        [`artifactType=${types[0]}`, [0]],
        [types.map((type) => `artifactType=${type}`).join('&'), [0, 1]],
        ['artifactType=application/x-none', []],
      ] as const) {
        const first = await entrepot.get(`${path}?${query}`)
        assert.equal(first.headers['oci-filters-applied'], 'artifactType')
        const expected = referrers.filter((_, i) => (wanted as readonly number[]).includes(i % 2))
        assert.deepEqual(
          (await readPages(`${path}?${query}`, digestsOf)).flat(),
          expected.map(({ manifest }) => manifest.digest).sort(),
        )
      }
    })

    it('are none of a subject or a repository that nobody knows', async () => {
      for (const unknown of [`/v2/team/app/referrers/${digestOf('?')}`, `/v2/nobody/referrers/${SUBJECT}`])
        assert.deepEqual((await entrepot.get(unknown)).json(), {
          schemaVersion: 2,
          mediaType: MEDIA_TYPES.ociIndex,
          manifests: [],
        })
    })
  })
})

describe('the referrers of a mirrored manifest', () => {
  let hub: ScriptedUpstream
  let entrepot: TestEntrepot

  before(async () => {
    hub = await startScriptedUpstream()
    entrepot = await startEntrepot({
      upstream: hub,
      config: { limits: { request: '500ms', manifest: '2s' } },
    })
  })
  after(async () => {
    await entrepot.stop()
    await hub.close()
  })

  it('are those that are stored, marked as stale, where the upstream fails', async () => {
    hub.addImage('library/alpine', 'latest', IMAGE)
    const signature = makeImage({ seed: 'signature', layers: [], subject: IMAGE.manifest })
    hub.addImage('library/alpine', undefined, signature)
    const place = '/v2/library/alpine'
    for (const { manifest } of [IMAGE, signature]) await entrepot.get(`${place}/manifests/${manifest.digest}`)
    await entrepot.settle()
    await hub.stop()
    const answer = await entrepot.get(`${place}/referrers/${IMAGE.manifest.digest}`)
    assert.equal(answer.status, 200)
    assert.match(String(answer.headers.warning), /^299 - /)
    const { manifests } = answer.json() as { manifests: { digest: string }[] }
    assert.deepEqual(
      manifests.map(({ digest }) => digest),
      [signature.manifest.digest],
    )
  })
})

describe('the tags of a mirrored repository', () => {
  let hub: ScriptedUpstream
  let entrepot: TestEntrepot
  let nowMs = Date.now()

  before(async () => {
    hub = await startScriptedUpstream()
    entrepot = await startEntrepot({ upstream: hub, now: () => nowMs })
  })
  after(async () => {
    await entrepot.stop()
    await hub.close()
  })

  const pageAfter = async (last: string): Promise<string[]> => {
    const answer = await entrepot.get(`/v2/library/alpine/tags/list?n=2${last === '' ? '' : `&last=${last}`}`)
    return (answer.json() as { tags: string[] }).tags
  }

  it('are asked for once by who reads page by page, and anew by who begins', async () => {
    for (const tag of ['1', '2', '3', '4', '5']) hub.addImage('library/alpine', tag, IMAGE)
    assert.deepEqual(await pageAfter(''), ['1', '2'])
    const asked = hub.counts.tags
    assert.deepEqual([await pageAfter('2'), await pageAfter('4')], [['3', '4'], ['5']])
    assert.equal(hub.counts.tags, asked)
    await pageAfter('')
    assert.ok(hub.counts.tags > asked)
  })

  it('are asked for again a minute later', async () => {
    await pageAfter('')
    hub.addImage('library/alpine', '6', IMAGE)
    nowMs += 60_000
    assert.deepEqual(await pageAfter('4'), ['5', '6'])
  })
})

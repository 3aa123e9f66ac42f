/** Pushes beside the mirror (design §2): which names may be pushed to, and what that makes of them. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import { type Answer, type EntrepotOptions, startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import { makeImage } from '../support/images.ts'
import { makeQuickFolder } from '../support/quick-folder.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'
import { bytesOf, codeOf, messageOf, Pusher, withDigest } from './pusher.ts'

const IMAGE = makeImage({ seed: 'pushed' })
const BYTES = Buffer.from('a blob')
const DIGEST = digestOf(BYTES)

describe('beside a mirror', () => {
  let root: string
  let hub: ScriptedUpstream
  let entrepot: TestEntrepot
  let pusher: Pusher

  const start = async (config: object = {}): Promise<void> => {
    const options: EntrepotOptions = {
      upstream: hub,
      root,
      config: { local: { push: 'anyone' }, limits: { request: '500ms', manifest: '2s' }, ...config },
    }
    entrepot = await startEntrepot(options)
    pusher = new Pusher(entrepot)
  }
  const restart = async (config?: object): Promise<void> => {
    await entrepot.stop()
    await start(config)
  }

  beforeEach(async () => {
    root = await makeQuickFolder()
    hub = await startScriptedUpstream()
    await start()
  })
  afterEach(async () => {
    await entrepot.stop()
    await hub.close()
    await rm(root, { recursive: true })
  })

  const begin = (name: string): Promise<Answer> => entrepot.ask('POST', `/v2/${name}/blobs/uploads/`)
  const asked = (): number => hub.requests.length

  const assertDenied = (answer: Answer, reason: RegExp): void => {
    assert.deepEqual([answer.status, codeOf(answer)], [403, 'DENIED'])
    assert.match(messageOf(answer), reason)
    assert.match(messageOf(answer), /local\.repositories/)
  }

  it('a name that the upstream does not know becomes local, and is not asked for there again', async () => {
    await pusher.image('team/app', 'latest', IMAGE)
    hub.resetCounts()
    const answer = await entrepot.get('/v2/team/app/manifests/latest')
    assert.deepEqual(answer.body, IMAGE.manifest.bytes)
    assert.equal((await entrepot.get(`/v2/team/app/blobs/${DIGEST}`)).status, 404)
    assert.equal((await entrepot.get('/v2/team/app/manifests/other')).status, 404)
    assert.deepEqual((await entrepot.get('/v2/team/app/tags/list')).json(), {
      name: 'team/app',
      tags: ['latest'],
    })
    await restart()
    assert.equal((await entrepot.head('/v2/team/app/manifests/latest')).status, 200)
    assert.equal(asked(), 0)
  })

  it('a first push asks the upstream once, however many uploads begin', async () => {
    hub.resetCounts()
    const answers = await Promise.all(Array.from({ length: 5 }, () => begin('team/app')))
    assert.ok(answers.every(({ status }) => status === 202))
    assert.equal(asked(), 1)
    await begin('team/app')
    assert.equal(asked(), 1)
  })

  it('a name that the upstream has is refused, and stays mirrored', async () => {
    const { manifest } = hub.addImage('library/alpine', 'latest')
    assertDenied(await begin('library/alpine'), /has a repository of that name/)
    assertDenied(await pusher.put('library/alpine', 'latest', IMAGE.manifest), /has a repository/)
    assert.deepEqual((await entrepot.get('/v2/library/alpine/manifests/latest')).body, manifest.bytes)
  })

  it('a bare name that is an official image is refused, another one is itself', async () => {
    hub.addImage('library/alpine', 'latest')
    assertDenied(await begin('alpine'), /has a repository of that name/)
    await pusher.image('tools', 'latest', IMAGE)
    for (const name of ['tools', 'library/tools'])
      assert.equal((await entrepot.head(`/v2/${name}/manifests/latest`)).status, name === 'tools' ? 200 : 404)
  })

  it('a name that is mirrored here is refused, though the upstream has it no longer', async () => {
    hub.addImage('library/alpine', 'latest')
    await entrepot.get('/v2/library/alpine/manifests/latest')
    await entrepot.settle()
    hub.remove('library/alpine', 'latest')
    assertDenied(await begin('library/alpine'), /is mirrored from/)
    assertDenied(await begin('alpine'), /is mirrored from/)
  })

  it('a name is refused while the upstream cannot be asked, and taken afterwards', async () => {
    hub.fault('tags', { status: 500, times: 10 })
    assertDenied(await begin('team/app'), /could not be found out/)
    hub.clearFaults()
    await hub.stop()
    assertDenied(await begin('team/app'), /could not be found out/)
    await hub.start()
    assert.equal((await begin('team/app')).status, 202)
  })

  it('a name that begins with an upstream’s host is refused', async () => {
    for (const name of [`docker.io/team/app`, 'index.docker.io/app'])
      assertDenied(await begin(name), /cannot be pushed to/)
    assertDenied(
      await entrepot.ask('POST', '/v2/team/app/blobs/uploads/?ns=docker.io'),
      /cannot be pushed to/,
    )
  })

  it('a name that local.repositories lists is local at once, and nobody is asked', async () => {
    await restart({ local: { push: 'anyone', repositories: ['mine/**'] } })
    hub.addImage('mine/app', 'latest')
    await hub.stop()
    hub.resetCounts()
    assert.equal((await entrepot.head('/v2/mine/app/manifests/latest')).status, 404)
    assert.equal((await entrepot.head(`/v2/mine/app/blobs/${DIGEST}`)).status, 404)
    await pusher.image('mine/app', 'latest', IMAGE)
    assert.deepEqual((await entrepot.get('/v2/mine/app/manifests/latest')).body, IMAGE.manifest.bytes)
    assert.equal(asked(), 0)
  })

  it('what was not there a moment ago is there when it has been pushed', async () => {
    for (const below of [
      'manifests/latest',
      `manifests/${IMAGE.manifest.digest}`,
      `blobs/${IMAGE.config.digest}`,
    ])
      assert.equal((await entrepot.head(`/v2/team/app/${below}`)).status, 404)
    assert.equal((await entrepot.get('/v2/team/app/tags/list')).status, 404)
    await pusher.image('team/app', 'latest', IMAGE)
    for (const below of [
      'manifests/latest',
      `manifests/${IMAGE.manifest.digest}`,
      `blobs/${IMAGE.config.digest}`,
    ])
      assert.equal((await entrepot.head(`/v2/team/app/${below}`)).status, 200)
    assert.equal((await entrepot.get('/v2/team/app/tags/list')).status, 200)
  })

  it('a first push that leaves nothing leaves the name to the upstream', async () => {
    const location = await pusher.start('team/app')
    assert.equal((await entrepot.get('/v2/team/app/tags/list')).status, 404)
    await entrepot.ask('DELETE', location)
    const { manifest } = hub.addImage('team/app', 'latest')
    assert.deepEqual((await entrepot.get('/v2/team/app/manifests/latest')).body, manifest.bytes)
  })

  it('a repository stays local when everything in it was deleted', async () => {
    await restart({ local: { push: 'anyone' }, storage: { delete: { enabled: true } } })
    await pusher.image('team/app', 'latest', IMAGE)
    for (const below of [
      `manifests/${IMAGE.manifest.digest}`,
      ...[IMAGE.config, ...IMAGE.layers].map(({ digest }) => `blobs/${digest}`),
    ])
      assert.equal((await entrepot.ask('DELETE', `/v2/team/app/${below}`)).status, 202)
    hub.addImage('team/app', 'latest')
    assert.equal((await entrepot.get('/v2/team/app/manifests/latest')).status, 404)
  })

  it('two first pushers at once are both right', async () => {
    const other = makeImage({ seed: 'other' })
    await Promise.all([pusher.image('team/app', 'one', IMAGE), pusher.image('team/app', 'other', other)])
    for (const [tag, { manifest }] of [
      ['one', IMAGE],
      ['other', other],
    ] as const)
      assert.deepEqual((await entrepot.get(`/v2/team/app/manifests/${tag}`)).body, manifest.bytes)
  })

  it('what is mirrored is mounted into a local repository, and served without its upstream', async () => {
    const image = hub.addImage('library/alpine', 'latest')
    const layer = image.layers[0]!
    await entrepot.get(`/v2/library/alpine/blobs/${layer.digest}`)
    await entrepot.settle()
    const query = `mount=${layer.digest}&from=library/alpine`
    assert.equal((await entrepot.ask('POST', `/v2/team/app/blobs/uploads/?${query}`)).status, 201)
    await hub.stop()
    const answer = await entrepot.get(`/v2/team/app/blobs/${layer.digest}`)
    assert.deepEqual(answer.body, await bytesOf(layer))
  })

  it('what is local is nothing of an upstream’s, and a delete of what is mirrored is a purge', async () => {
    await restart({ local: { push: 'anyone' }, storage: { delete: { enabled: true } } })
    await pusher.image('team/app', 'latest', IMAGE)
    assert.equal((await entrepot.get('/v2/team/app/manifests/latest?ns=docker.io')).status, 404)
    hub.addImage('library/alpine', 'latest')
    const path = '/v2/library/alpine/manifests/latest'
    const absent = await entrepot.ask('DELETE', path)
    assert.deepEqual([absent.status, codeOf(absent)], [404, 'NAME_UNKNOWN'])
    await entrepot.get(path)
    await entrepot.settle()
    assert.equal((await entrepot.ask('DELETE', path)).status, 202)
    await hub.stop()
    assert.equal((await entrepot.get(path)).status, 502)
  })

  it('the catalog has both, or those of one kind', async () => {
    await pusher.image('team/app', 'latest', IMAGE)
    hub.addImage('library/alpine', 'latest')
    await entrepot.get('/v2/library/alpine/manifests/latest')
    await entrepot.settle()
    const list = async (query: string) => (await entrepot.get(`/v2/_catalog${query}`)).json()
    assert.deepEqual(await list(''), { repositories: ['library/alpine', 'team/app'] })
    assert.deepEqual(await list('?kind=local'), { repositories: ['team/app'] })
    assert.deepEqual(await list('?kind=mirrored'), { repositories: ['library/alpine'] })
  })

  it('nobody pushes anything unless it is said who may', async () => {
    await restart({ local: {} })
    for (const [method, path] of [
      ['POST', '/v2/team/app/blobs/uploads/'],
      ['POST', `/v2/team/app/blobs/uploads/?digest=${DIGEST}`],
      ['POST', `/v2/team/app/blobs/uploads/?mount=${DIGEST}&from=library/alpine`],
      ['PUT', '/v2/team/app/manifests/latest'],
      ['PATCH', `/v2/team/app/blobs/uploads/00000000-0000-4000-8000-000000000000`],
    ] as const) {
      const answer = await entrepot.ask(method, path, {}, BYTES)
      assert.deepEqual([answer.status, codeOf(answer)], [405, 'UNSUPPORTED'], `${method} ${path}`)
      assert.match(messageOf(answer), /local\.push/)
    }
  })

  describe('a repository that lies on the volume from elsewhere', () => {
    beforeEach(async () => {
      await pusher.image('old/app', 'latest', IMAGE)
      await pusher.image('bare', 'latest', IMAGE)
      await entrepot.stop()
      await rm(`${root}/entrepot`, { recursive: true })
      await start()
    })

    it('is served, also under a bare name, and pushed to where the upstream does not know it', async () => {
      for (const name of ['old/app', 'bare']) {
        assert.deepEqual((await entrepot.get(`/v2/${name}/manifests/latest`)).body, IMAGE.manifest.bytes)
        assert.deepEqual((await entrepot.get(`/v2/${name}/tags/list`)).json(), { name, tags: ['latest'] })
        await pusher.image(name, 'new', makeImage({ seed: 'new' }))
        assert.deepEqual((await entrepot.get(`/v2/${name}/tags/list`)).json(), {
          name,
          tags: ['latest', 'new'],
        })
      }
    })

    it('is what it was when its first push here comes to nothing', async () => {
      await entrepot.ask('DELETE', await pusher.start('old/app'))
      assert.equal((await entrepot.get('/v2/old/app/manifests/latest')).status, 200)
      hub.addImage('old/app', 'theirs')
      assert.equal((await entrepot.get('/v2/old/app/manifests/theirs')).status, 200)
    })

    it('is not pushed to where the upstream has one of that name', async () => {
      hub.addImage('old/app', 'latest')
      assertDenied(await begin('old/app'), /has a repository of that name/)
    })
  })

  it('a push goes on after the upstream has gone', async () => {
    const location = await pusher.start('team/app')
    await hub.stop()
    assert.equal((await entrepot.ask('PUT', withDigest(location, DIGEST), {}, BYTES)).status, 201)
    assert.equal((await begin('team/app')).status, 202)
  })
})

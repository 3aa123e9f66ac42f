/** Answers that are given again ahead of the routes: they are what the routes would have answered. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { ANONYMOUS } from '../../src/access/authenticate.ts'
import type { Context, RequestState } from '../../src/http/context.ts'
import { type GivenManifest, Repeats } from '../../src/http/repeats.ts'
import { digestOf } from '../../src/protocol/digest.ts'
import { parseRepositoryName, parseTag } from '../../src/protocol/name.ts'
import { makeFolder, startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import { scrape } from '../support/exposition.ts'
import { makeImage, type TestImage } from '../support/images.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'
import { ALICE, writeAccounts } from './accounts.ts'
import { pushImage } from './login.ts'
import { Pusher } from './pusher.ts'

const bytes = Buffer.from('{}')

const given: GivenManifest = {
  repository: { kind: 'local', name: parseRepositoryName('a'), origin: undefined },
  reference: { kind: 'tag', tag: parseTag('1') },
  pulled: {
    digest: digestOf(bytes),
    mediaType: 'x',
    sizeBytes: bytes.length,
    bytes,
    answer: 'hit',
    freshUntilMs: Number.POSITIVE_INFINITY,
  },
}

const ask = (headers: Record<string, string> = {}, { method = 'GET', querystring = '' } = {}): Context => {
  const url = `/v2/a/manifests/1${querystring === '' ? '' : `?${querystring}`}`
  const state: Partial<RequestState> = { identity: ANONYMOUS }
  return { req: { url, method, headers }, state, querystring } as unknown as Context
}

describe('a manifest that was just given', () => {
  let nowMs = 0
  let changes = 0
  let repeats: Repeats

  beforeEach(() => {
    nowMs = 1_000_000
    changes = 0
    repeats = new Repeats({ countChanges: () => changes, now: () => nowMs })
  })

  /** Asks once, as the first who does. */
  const giveFirst = (what: GivenManifest = given, first = ask()): void => {
    repeats.begin(first)
    repeats.remember(first, what)
  }
  const isKnown = (ctx = ask()): boolean => repeats.find(ctx.req) !== undefined

  it('is given again to GET and HEAD, for a quarter of a second', () => {
    giveFirst()
    assert.ok(isKnown())
    assert.ok(isKnown(ask({}, { method: 'HEAD' })))
    nowMs += 249
    assert.ok(isKnown())
    nowMs += 1
    assert.ok(!isKnown())
  })

  it('is not given again where the clock went back', () => {
    giveFirst()
    nowMs -= 1
    assert.ok(!isKnown())
  })

  it('is not given to those who say who they are, and theirs not to others', () => {
    giveFirst()
    assert.ok(!isKnown(ask({ authorization: 'Basic x' })))
    repeats = new Repeats({ countChanges: () => changes, now: () => nowMs })
    giveFirst(given, ask({ authorization: 'Basic x' }))
    assert.ok(!isKnown())
  })

  it('is not given again once anything has changed, also while it was found out', () => {
    giveFirst()
    changes += 1
    assert.ok(!isKnown())
    const slow = ask()
    repeats.begin(slow)
    changes += 1
    repeats.remember(slow, given)
    assert.ok(!isKnown())
  })

  it('is not given again when a tag is fresh no longer, or an upstream had to be asked', () => {
    giveFirst({ ...given, pulled: { ...given.pulled, freshUntilMs: nowMs + 10 } })
    nowMs += 9
    assert.ok(isKnown())
    nowMs += 1
    assert.ok(!isKnown())
    const { freshUntilMs: _, ...asked } = given.pulled
    giveFirst({ ...given, pulled: asked })
    assert.ok(!isKnown())
  })

  it('is not remembered where it is so long that many of them would fill the memory', () => {
    giveFirst({ ...given, pulled: { ...given.pulled, bytes: Buffer.alloc(32 * 1024 + 1) } })
    assert.ok(!isKnown())
  })

  it('is not given to GET where only HEAD has been answered, which tells nobody what it names', () => {
    giveFirst(given, ask({}, { method: 'HEAD' }))
    assert.ok(isKnown(ask({}, { method: 'HEAD' })))
    assert.ok(!isKnown())
    giveFirst()
    assert.ok(isKnown())
    assert.ok(isKnown(ask({}, { method: 'HEAD' })))
  })

  it('is not given again to another URL, another method, or where the query may change what is meant', () => {
    giveFirst()
    assert.ok(!isKnown(ask({}, { method: 'PUT' })))
    giveFirst(given, ask({}, { querystring: 'ns=docker.io' }))
    assert.ok(!isKnown(ask({}, { querystring: 'ns=docker.io' })))
  })
})

describe('a registry that is asked again and again', () => {
  let entrepot: TestEntrepot
  let first: TestImage
  const PATH = '/v2/team/app/manifests'

  beforeEach(async () => {
    entrepot = await startEntrepot({
      config: { local: { push: 'anyone' }, storage: { delete: { enabled: true } } },
    })
    first = makeImage({ seed: 'first' })
    await new Pusher(entrepot).image('team/app', 'latest', first)
  })
  afterEach(() => entrepot.stop())

  const pull = async (reference: string): Promise<Buffer | number> => {
    const { status, body } = await entrepot.get(`${PATH}/${reference}`)
    return status === 200 ? body : status
  }

  it('gives the same answer to the same question, headers and all', async () => {
    const answers = [await entrepot.get(`${PATH}/latest`), await entrepot.get(`${PATH}/latest`)]
    const [one, other] = answers.map(({ status, headers: { date: _, ...headers }, body }) => ({
      status,
      headers,
      body,
    }))
    assert.deepEqual(other, one)
    const head = await entrepot.head(`${PATH}/latest`)
    assert.equal(head.headers['content-length'], String(first.manifest.bytes.length))
    const known = { 'If-None-Match': `"${first.manifest.digest}"` }
    assert.equal((await entrepot.get(`${PATH}/latest`, known)).status, 304)
  })

  it('follows a tag that is pushed anew, at once', async () => {
    await pull('latest')
    const second = makeImage({ seed: 'second' })
    await new Pusher(entrepot).image('team/app', 'latest', second)
    assert.deepEqual(await pull('latest'), second.manifest.bytes)
  })

  it('has nothing any more of what was deleted, at once', async () => {
    const { digest } = first.manifest
    await pull('latest')
    await pull(digest)
    await entrepot.ask('DELETE', `${PATH}/latest`)
    assert.equal(await pull('latest'), 404)
    assert.deepEqual(await pull(digest), first.manifest.bytes)
    await entrepot.ask('DELETE', `${PATH}/${digest}`)
    assert.equal(await pull(digest), 404)
  })

  it('counts each answer', async () => {
    for (let i = 0; i < 5; i += 1) await pull('latest')
    await entrepot.head(`${PATH}/latest`)
    const shown = await scrape(entrepot.debugUrl)
    const labels = { handler: 'manifest', method: 'get', code: '200' }
    assert.equal(shown.find('registry_http_requests_total', labels), 5)
    assert.equal(shown.find('entrepot_reads_total', { type: 'manifest', answer: 'hit' }), 6)
    assert.equal(shown.find('registry_http_in_flight_requests', { handler: 'manifest' }), 0)
  })
})

describe('a mirror that is asked again and again', () => {
  let hub: ScriptedUpstream
  let nowMs = Date.now()

  beforeEach(async () => {
    hub = await startScriptedUpstream()
    hub.addImage('library/alpine', 'latest')
  })
  afterEach(() => hub.close())

  const askThrice = async (freshness: string): Promise<number[]> => {
    const entrepot = await startEntrepot({
      upstream: hub,
      config: { cache: { freshness } },
      now: () => nowMs,
    })
    try {
      const heads: number[] = []
      for (let i = 0; i < 3; i += 1) {
        await entrepot.get('/v2/library/alpine/manifests/latest')
        heads.push(hub.counts.manifestHead)
      }
      nowMs += 3_600_001
      await entrepot.get('/v2/library/alpine/manifests/latest')
      return [...heads, hub.counts.manifestHead]
    } finally {
      await entrepot.stop()
    }
  }

  it('asks for a tag every time where none is fresh', async () => {
    assert.deepEqual(await askThrice('0s'), [0, 1, 2, 3])
  })

  it('asks for a fresh tag when it is fresh no longer', async () => {
    assert.deepEqual(await askThrice('1h'), [0, 0, 0, 1])
  })
})

it('what one account may pull is asked of the next caller, too', async () => {
  const folder = await makeFolder()
  const htpasswd = { realm: 'Registry', path: await writeAccounts(folder) }
  const entrepot = await startEntrepot({ config: { auth: { htpasswd } } })
  try {
    await pushImage(entrepot, 'team/app', '1', ALICE)
    const path = '/v2/team/app/manifests/1'
    const login = { Authorization: ALICE }
    assert.equal((await entrepot.get(path, login)).status, 200)
    assert.equal((await entrepot.get(path, login)).status, 200)
    assert.equal((await entrepot.get(path)).status, 401)
  } finally {
    await entrepot.stop()
    await rm(folder, { recursive: true })
  }
})

/** The page of the debug listener as everybody sees it: figures that are right, and nothing that is not for everybody. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { formatBytes, formatRatio } from '../../src/page/format.js'
import type { Status } from '../../src/page/wire.d.ts'
import type { PageOptions } from './support/browser/browser.ts'
import type { Page } from './support/browser/page.ts'
import { findFaint, findNameless } from './support/browser/readable.ts'
import { PageScene, PHONE } from './support/page-scene.ts'
import { skipWithout } from './support/tools.ts'
import { waitUntil } from './support/wait.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const skip = skipWithout('chromium')

/** What the browser itself says of an answer with 401. */
const REFUSED = /the server responded with a status of 401/

describe('the page without a login', { skip, timeout: 180_000 }, () => {
  let workspace: Workspace
  let scene: PageScene

  const look = async (options?: PageOptions): Promise<Page> => {
    const page = await scene.browser.open(options)
    await page.go(scene.url)
    await page.reads('#tiles', /Hit ratio/)
    return page
  }

  before(async () => {
    workspace = await makeWorkspace()
    scene = await PageScene.start(workspace)
    await scene.mirror('library/alpine', '3.21', [100_000, 300_000], 3)
    await scene.mirror('library/nginx', '1', [1_000_000], 2)
  })
  after(() => workspace.remove())

  it('shows the right figures to everybody', async () => {
    const page = await look()
    // Bytes saved are told once they are kept on disk.
    await page.reads('#tiles', /Saved (?!0 B)/)
    const { traffic, upstreams } = await scene.ask<Status>('status')
    assert.equal(traffic.toClientsBytes, scene.pulled.bytes)
    assert.equal(traffic.hits + traffic.misses, scene.pulled.answers)
    const tiles = await page.text('#tiles')
    assert.ok(tiles.includes(formatRatio(traffic.hits / scene.pulled.answers)), tiles)
    assert.ok(tiles.includes(`${traffic.hits} hits, ${traffic.misses} misses`), tiles)
    assert.ok(tiles.includes(`${formatBytes(scene.pulled.bytes)} to clients`), tiles)
    assert.ok(tiles.includes(`Saved ${formatBytes(traffic.savedBytes)}`), tiles)
    assert.match(tiles, /Rate limit left 76 of 100 pulls in 6 h/)
    assert.match(tiles, /mirrored, of a budget of 50\.0 MB.*free on disk/)
    await page.reads('#upstream-list', new RegExp(`${upstreams[0]?.name}.*well`))
    await page.reads('#fetches', /Nothing is being fetched/)
    await page.reads('#connection', /^live$/)
    assert.deepEqual(page.problems, [])
  })

  it('names no repository before the login', async () => {
    const page = await look()
    assert.doesNotMatch(await page.evaluate('document.documentElement.textContent'), /nginx/)
    assert.doesNotMatch(await page.text('body'), /Repositories|Jobs/)
    assert.ok(page.requests.every((url) => !/v1\/(?!status)/.test(url)))
  })

  it('says that a token is wrong, and keeps nothing of it', async () => {
    const page = await look()
    await page.fill('#token', 'wrong')
    await page.click('#login-submit')
    await page.reads('#login-problem', /token/)
    assert.equal(await page.evaluate('sessionStorage.length'), 0)
    assert.doesNotMatch(await page.text('body'), /Repositories/)
    assert.equal(page.problems.filter((problem) => !REFUSED.test(problem)).length, 0)
  })

  for (const [how, options] of [
    ['in the light', {}],
    ['in the dark', { colours: 'dark' }],
    ['on a phone', PHONE],
  ] as const)
    it(`can be read ${how}`, async () => {
      const page = await look(options)
      const ground = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
      assert.equal(Number(/\d+/.exec(ground)?.[0]) < 128, 'colours' in options)
      assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true)
      assert.deepEqual(await findFaint(page), [])
      assert.deepEqual(await findNameless(page), [])
      assert.deepEqual(page.problems, [])
    })

  it('asks for nothing while nobody looks', async () => {
    const [page, other] = [await look(), await look()]
    await page.evaluate(`{
      Object.defineProperty(document, 'hidden', { get: () => true })
      document.dispatchEvent(new Event('visibilitychange'))
    }`)
    const asked = (one: Page): number => one.requests.filter((url) => url.endsWith('/status')).length
    const before = asked(page)
    const enough = asked(other) + 4
    await waitUntil('the other page has asked often', () => asked(other) >= enough, 30_000)
    assert.ok(asked(page) <= before + 1, `${asked(page)} after ${before}`)
  })
})

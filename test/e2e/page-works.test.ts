/** The page of the debug listener, used: everything that can be done there is done by clicking, and looked for where it must show. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { formatBytes } from '../../src/page/format.js'
import type { Contents, Pin, Repository, Upstream } from '../../src/page/wire.d.ts'
import type { Page } from './support/browser/page.ts'
import { PageScene, TOKEN } from './support/page-scene.ts'
import { skipWithout } from './support/tools.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const skip = skipWithout('chromium')

describe('on the page', { skip, timeout: 180_000 }, () => {
  let workspace: Workspace
  let scene: PageScene
  let page: Page

  const contents = (name: string): Promise<Contents> =>
    scene.ask(`contents?repository=${encodeURIComponent(name)}`)
  const names = async (): Promise<string[]> => {
    const { repositories } = await scene.ask<{ repositories: Repository[] }>('repositories')
    return repositories.map(({ name }) => name)
  }
  const button = (action: string, reference: string): string =>
    `.contents [data-key="${reference}"] [data-action=${action}]`

  before(async () => {
    workspace = await makeWorkspace()
    scene = await PageScene.start(workspace)
    await scene.mirror('library/alpine', '3.20', [100_000])
    await scene.mirror('library/alpine', '3.21', [200_000])
    await scene.mirror('library/nginx', '1', [50_000])
    await scene.mirror('library/redis', '7', [60_000])
    page = await scene.browser.open()
    await page.go(scene.url)
    await page.fill('#token', TOKEN)
    await page.press('Enter')
    await page.click('[data-key="library/alpine"] .opener')
    await page.reads('.contents', /3\.20.*3\.21/)
  })
  after(async () => {
    await workspace.remove()
    assert.deepEqual(page.problems, [])
  })

  it('a tag is pinned, and let go again', async () => {
    await page.click(button('pin', '3.20'))
    await page.reads(button('pin', '3.20'), /^Pinned$/)
    const pins = () => scene.ask<{ pins: Pin[] }>('pins').then((answer) => answer.pins)
    assert.deepEqual(await pins(), [{ repository: 'library/alpine', reference: '3.20' }])
    await page.click(button('pin', '3.20'))
    await page.reads(button('pin', '3.20'), /^Pin$/)
    assert.deepEqual(await pins(), [])
  })

  it('a purge shows what would go, and takes nothing when it is cancelled', async () => {
    await page.click(button('purge', '3.20'))
    const { tags } = await contents('library/alpine')
    const own = tags.find(({ tag }) => tag === '3.20')?.ownBytes ?? 0
    assert.ok(own > 100_000)
    await page.reads('#purge-preview', new RegExp(`${formatBytes(own)} would be freed: 1 tag, 1 manifest`))
    await page.reads('#purge-preview .items', /library\/alpine:3\.20/)
    await page.reads('#purge-confirm', new RegExp(`^Purge ${formatBytes(own)}$`))
    await page.click('#purge-dialog [value=no]')
    assert.equal((await contents('library/alpine')).tags.length, 2)
  })

  it('a purge takes what it has shown, and the next pull fetches it again', async () => {
    await page.click(button('purge', '3.20'))
    await page.click('#purge-confirm')
    await page.reads('#notices', /Purged 1 tag.* freed/)
    await page.reads('.contents', /^(?!.*3\.20)/)
    const { tags } = await contents('library/alpine')
    assert.deepEqual(
      tags.map(({ tag }) => tag),
      ['3.21'],
    )
    scene.hub.resetCounts()
    await scene.mirror('library/alpine', '3.20', [100_000])
    assert.ok(scene.hub.counts.blob >= 1)
  })

  it('a purge by pattern is looked at before it is done', async () => {
    await page.click('#purge-many')
    await page.click('#purge-many-look')
    await page.reads('#purge-many-preview', /Say what is to go/)
    await page.fill('#purge-pattern', 'library/n*')
    assert.equal(await page.evaluate("document.querySelector('#purge-many-confirm').disabled"), true)
    await page.click('#purge-many-look')
    await page.reads('#purge-many-preview', /library\/nginx/)
    await page.click('#purge-many-confirm')
    await page.reads('#notices', /Purged/)
    await page.reads('#repository-rows', /^(?!.*nginx)/)
    assert.ok(!(await names()).includes('library/nginx'))
    assert.ok((await names()).includes('library/redis'))
  })

  it('a tag that has moved upstream is refreshed', async () => {
    await page.click(button('refresh', '3.21'))
    await page.reads('#notices', /library\/alpine:3\.21 is up to date/)
    scene.hub.addImage('library/alpine', '3.21', { layers: [1000], seed: 'newer' })
    await page.click(button('refresh', '3.21'))
    await page.reads('#notices', /library\/alpine:3\.21 has moved from \w{12} to \w{12}/)
  })

  it('an outage drill is begun and ended: what is cached is served, the rest is not', async () => {
    await page.click('[data-action=drill]')
    await page.click('#drill-dialog [value=yes]')
    await page.reads('#upstream-list', /outage drill.*ends in (9|10) min/)
    const upstream = async () => (await scene.ask<{ upstreams: Upstream[] }>('upstreams')).upstreams[0]
    assert.equal((await upstream())?.state, 'outage')
    scene.hub.addImage('library/new', '1')
    assert.equal((await scene.get('library/redis/manifests/7')).status, 200)
    assert.ok((await scene.get('library/new/manifests/1')).status >= 500)
    await page.click('[data-action=end-drill]')
    await page.reads('#upstream-list', /^(?!.*outage drill.*ends)/)
    assert.notEqual((await upstream())?.state, 'outage')
    assert.equal((await scene.get('library/new/manifests/1')).status, 200)
  })

  it('what is being fetched shows how far it is', async () => {
    const image = scene.hub.addImage('library/large', '1', { layers: [4_000_000], seed: 'large' })
    const layer = image.layers[0]?.digest ?? ''
    const hang = scene.hub.fault('blob', { hangAt: 1_000_000, when: ({ url }) => url.includes(layer) })
    const pull = scene.pull('library/large', '1', image)
    await hang.met
    await page.reads('#fetches', /library\/large .* of 4\.00 MB · 2\d\.\d % · from .* · 1 client/)
    hang.release()
    await pull
    await page.reads('#fetches', /Nothing is being fetched/)
  })

  it('a pull is explained', async () => {
    await page.fill('#explain-reference', 'redis:7')
    await page.press('Enter')
    await page.reads('#explanation', /redis:7 .*library\/redis \(mirrored\)/)
    await page.fill('#explain-reference', 'Not A Reference')
    await page.press('Enter')
    await page.until('a problem is told', "document.querySelector('#explanation .problem') !== null")
  })

  it('a server that is gone is told of, and found again', async () => {
    const { origin } = new URL(scene.url)
    await page.send('Network.setBlockedURLs', { urls: [`${origin}/admin/v1/*`] })
    await page.reads('#connection', /no answer/)
    await page.send('Network.setBlockedURLs', { urls: [] })
    await page.reads('#connection', /^live$/)
    // The browser tells of each call that was blocked.
    page.problems.length = 0
  })
})

/** The page of the debug listener, looked at: figures that are right, light and dark, on a phone, with a keyboard, and by nobody who may not. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { formatBytes } from '../../src/page/format.js'
import type { Contents } from '../../src/page/wire.d.ts'
import type { PageOptions } from './support/browser/browser.ts'
import type { Page } from './support/browser/page.ts'
import { findFaint, findNameless } from './support/browser/readable.ts'
import { ADMIN, NO_ADMIN, PASSWORD, PageScene, PHONE, TOKEN } from './support/page-scene.ts'
import { skipWithout } from './support/tools.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const skip = skipWithout('chromium')

describe('the page', { skip, timeout: 180_000 }, () => {
  let workspace: Workspace
  let scene: PageScene

  const look = async (options?: PageOptions): Promise<Page> => {
    const page = await scene.browser.open(options)
    await page.go(scene.url)
    await page.reads('#tiles', /Hit ratio/)
    return page
  }
  const signIn = async (page: Page): Promise<void> => {
    await page.fill('#token', TOKEN)
    await page.press('Enter')
    await page.reads('#repository-rows', /library\/alpine/)
  }
  const openAlpine = async (page: Page): Promise<void> => {
    await page.click('[data-key="library/alpine"] .opener')
    await page.reads('.contents', /linux\/amd64|3\.21/)
  }

  before(async () => {
    workspace = await makeWorkspace()
    scene = await PageScene.start(workspace)
    await scene.mirror('library/alpine', '3.21', [100_000, 300_000], 3)
    await scene.mirror('library/nginx', '1', [1_000_000], 2)
  })
  after(() => workspace.remove())

  it('lets in an account that is an admin, and no other', async () => {
    const page = await look()
    await page.click('[value="account"]')
    await page.fill('#account', NO_ADMIN)
    await page.fill('#password', PASSWORD)
    await page.click('#login-submit')
    await page.reads('#login-problem', /is no admin/)
    await page.fill('#account', ADMIN)
    await page.press('Enter')
    await page.reads('#repository-rows', /library\/alpine.*library\/nginx/)
    await page.reads('#who', /^alice$/)
  })

  it('keeps the login for this tab alone, in no address, until it is signed out', async () => {
    const page = await look()
    await signIn(page)
    await page.go(scene.url)
    await page.reads('#repository-rows', /library\/alpine/)
    assert.deepEqual(await page.evaluate('[sessionStorage.length, localStorage.length, document.cookie]'), [
      1,
      0,
      '',
    ])
    assert.ok(page.requests.every((url) => !url.includes(TOKEN)))
    await page.click('#sign-out')
    await page.until(
      'nothing is seen any more',
      "document.querySelector('#repository-rows').textContent === ''",
    )
    assert.equal(await page.evaluate('sessionStorage.length'), 0)
    const other = await look()
    assert.match(await other.text('body'), /Sign in/)
    assert.deepEqual(page.problems, [])
  })

  it('shows what is stored, with sizes', async () => {
    const page = await look()
    await signIn(page)
    await openAlpine(page)
    const { tags, sizeBytes } = await scene.ask<Contents>('contents?repository=library/alpine')
    assert.ok(sizeBytes > 400_000)
    await page.reads('[data-key="library/alpine"]', new RegExp(`${formatBytes(sizeBytes)}.*ago|just now`))
    const row = await page.text('.contents tbody tr')
    assert.ok(row.includes('3.21') && row.includes(formatBytes(tags[0]?.ownBytes ?? 0)), row)
    await page.fill('#filter', 'nginx')
    await page.reads('#repository-count', /^1 repository$/)
    await page.fill('#filter', 'library/*')
    await page.reads('#repository-count', /^2 repositories$/)
    await page.fill('#filter', 'none')
    await page.reads('#repository-count', /^No repository fits/)
  })

  for (const [how, options] of [
    ['in the light', {}],
    ['in the dark', { colours: 'dark' }],
    ['on a phone', PHONE],
    ['on a phone in the dark', { ...PHONE, colours: 'dark' }],
  ] as const)
    it(`can be read ${how}`, async () => {
      const page = await look(options)
      await page.until('nothing sticks out', 'document.documentElement.scrollWidth <= innerWidth')
      assert.deepEqual(await findFaint(page), [])
      await signIn(page)
      await openAlpine(page)
      await page.fill('#explain-reference', 'alpine:3.21')
      await page.press('Enter')
      await page.reads('#explanation', /alpine/)
      assert.deepEqual(await findFaint(page), [])
      assert.deepEqual(await findNameless(page), [])
      const [width, widest] = await page.evaluate<number[]>(
        '[innerWidth, document.documentElement.scrollWidth]',
      )
      assert.equal(width, 'width' in options ? options.width : 1280)
      assert.ok((widest ?? 0) <= (width ?? 0), `${widest} px wide`)
      const ground = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
      const isDark = Number(/\d+/.exec(ground)?.[0]) < 128
      assert.equal(isDark, 'colours' in options)
      assert.deepEqual(page.problems, [])
    })

  it('is used with a keyboard alone', async () => {
    const page = await look()
    const focused = 'document.activeElement.id || document.activeElement.textContent.trim()'
    await page.press('Tab')
    assert.match(await page.evaluate(focused), /^Skip/)
    while ((await page.evaluate(focused)) !== 'token') await page.press('Tab')
    await page.send('Input.insertText', { text: TOKEN })
    await page.press('Enter')
    await page.reads('#repository-rows', /library\/alpine/)
    while ((await page.evaluate(focused)) !== 'library/alpine') await page.press('Tab')
    await page.press('Enter')
    await page.reads('.contents', /3\.21/)
    while (!(await page.evaluate<string>(focused)).startsWith('Purge…')) await page.press('Tab')
    await page.press('Enter')
    await page.reads('#purge-dialog', /would be freed/)
    await page.press('Escape')
    await page.until('the dialog is closed', "!document.querySelector('#purge-dialog').open")
    assert.match(await page.evaluate(focused), /^Purge…/)
  })

  it('asks nobody else, and may not', async () => {
    const page = await look()
    await signIn(page)
    const { origin } = new URL(scene.url)
    assert.ok(page.requests.length > 10)
    assert.deepEqual(
      page.requests.filter((url) => new URL(url).origin !== origin),
      [],
    )
    const tries = [
      `fetch('${scene.hub.url}/v2/')`,
      "document.body.innerHTML = '<b>markup</b>'",
      "new Function('return 1')()",
      "document.body.append(Object.assign(document.createElement('script'), { src: 'data:text/javascript,1' }))",
    ]
    scene.hub.resetCounts()
    for (const code of tries)
      await assert.rejects(page.evaluate(`(async () => { await (${code}) })()`), /TypeError|EvalError/, code)
    assert.equal(scene.hub.requests.length, 0)
  })
})

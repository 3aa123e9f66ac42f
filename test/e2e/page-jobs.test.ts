/** The jobs on the page of the debug listener: begun, watched and cancelled by clicking. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Job } from '../../src/page/wire.d.ts'
import type { Page } from './support/browser/page.ts'
import { PageScene, TOKEN } from './support/page-scene.ts'
import { skipWithout } from './support/tools.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const skip = skipWithout('chromium')

describe('on the page', { skip, timeout: 180_000 }, () => {
  let workspace: Workspace
  let scene: PageScene
  let page: Page

  const lastJob = async (): Promise<Job | undefined> => (await scene.ask<{ jobs: Job[] }>('jobs')).jobs[0]

  before(async () => {
    workspace = await makeWorkspace()
    scene = await PageScene.start(workspace)
    await scene.mirror('library/alpine', '3.21', [200_000])
    page = await scene.browser.open()
    await page.go(scene.url)
    await page.fill('#token', TOKEN)
    await page.press('Enter')
    await page.reads('#job-list', /No job has run/)
  })
  after(async () => {
    await workspace.remove()
    assert.deepEqual(page.problems, [])
  })

  it('an image is warmed, with its progress, and is a hit from then on', async () => {
    const image = scene.hub.addImage('library/busybox', '1', { layers: [70_000], seed: 'busybox' })
    await page.click('[data-action=ask-warm]')
    await page.fill('#warm-references', 'library/busybox:1')
    await page.click('#warm-dialog [value=yes]')
    await page.reads('#job-list', /Warm/)
    await page.reads('#job-list li', /Warm done/)
    assert.equal((await lastJob())?.state, 'done')
    await page.reads('#repository-rows', /library\/busybox/)
    await page.click('#job-list [data-action=parts]')
    await page.reads('#job-list .items', /library\/busybox:1 done/)
    scene.hub.resetCounts()
    await scene.pull('library/busybox', '1', image)
    assert.equal(scene.hub.counts.blob, 0)
  })

  it('a job is cancelled', async () => {
    const image = scene.hub.addImage('library/slow', '1', { layers: [1_000_000], seed: 'slow' })
    const layer = image.layers[0]?.digest ?? ''
    const hang = scene.hub.fault('blob', { hangAt: 500_000, when: ({ url }) => url.includes(layer) })
    await page.click('[data-action=ask-warm]')
    await page.fill('#warm-references', 'library/slow:1')
    await page.click('#warm-dialog [value=yes]')
    await hang.met
    await page.reads('#job-list li', /Warm running/)
    await page.click('#job-list [data-action=cancel]')
    await page.reads('#job-list li', /Warm cancelled/)
    assert.equal((await lastJob())?.state, 'cancelled')
    hang.release()
  })

  it('the store is scrubbed, and garbage is looked for', async () => {
    await page.click('[data-action=scrub]')
    await page.reads('#job-list li', /Scrub done/)
    await page.click('[data-action=ask-gc]')
    await page.click('#gc-dialog [value=yes]')
    await page.reads('#job-list li', /Collect garbage done/)
    assert.deepEqual([(await lastJob())?.kind, (await lastJob())?.state], ['gc', 'done'])
  })
})

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

  it('the store is scrubbed, and garbage is looked for', async () => {
    await page.click('[data-action=scrub]')
    await page.reads('#job-list li', /Scrub done/)
    await page.click('[data-action=ask-gc]')
    await page.click('#gc-dialog [value=yes]')
    await page.reads('#job-list li', /Collect garbage done/)
    assert.deepEqual([(await lastJob())?.kind, (await lastJob())?.state], ['gc', 'done'])
  })
})

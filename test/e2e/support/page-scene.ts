/** A mirror with an admin and some traffic behind it, and a browser that looks at its page. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hashSync } from 'bcryptjs'
import type { TestImage } from '../../support/images.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../../support/scripted-upstream.ts'
import { Browser } from './browser/browser.ts'
import { type Entrepot, startEntrepot } from './entrepot.ts'
import type { Workspace } from './workspace.ts'

/** The admin token of the scene. */
export const TOKEN = 'the-token-of-the-scene'
/** An account that is an admin's, one that is not, and the password of both. */
export const ADMIN = 'alice'
export const NO_ADMIN = 'bob'
export const PASSWORD = 'correct horse'

/** A small phone. */
export const PHONE = { width: 360, height: 740, isPhone: true } as const

const limits = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '76;w=21600' }

/** See the top of this file. */
export class PageScene {
  readonly hub: ScriptedUpstream
  readonly entrepot: Entrepot
  readonly browser: Browser
  /** What was pulled so far, in bytes and in answers, manifests too. */
  readonly pulled = { bytes: 0, answers: 0 }

  private constructor(hub: ScriptedUpstream, entrepot: Entrepot, browser: Browser) {
    this.hub = hub
    this.entrepot = entrepot
    this.browser = browser
  }

  static async start(workspace: Workspace): Promise<PageScene> {
    const hub = await startScriptedUpstream({ tokens: {} })
    workspace.defer(() => hub.close())
    for (const kind of ['manifest', 'manifestHead'] as const)
      hub.fault(kind, { headers: limits, times: Number.POSITIVE_INFINITY })
    const accounts = join(await workspace.folder('accounts'), 'htpasswd')
    await writeFile(accounts, [ADMIN, NO_ADMIN].map((name) => `${name}:${hashSync(PASSWORD, 4)}\n`).join(''))
    const entrepot = await startEntrepot(workspace, {
      sections: {
        proxy: { remoteurl: hub.url },
        auth: { htpasswd: { realm: 'test', path: accounts } },
        access: 'mirror',
        admin: { token: TOKEN, users: [ADMIN] },
        cache: { maxsize: '50MB' },
        limits: { lasttry: '1ms' },
      },
    })
    return new PageScene(hub, entrepot, await Browser.start(workspace))
  }

  /** Where the page is. */
  get url(): string {
    return `${this.entrepot.debugUrl}/admin`
  }

  /** Puts an image upstream and pulls it so many times. */
  async mirror(name: string, tag: string, layers: number[], times = 1): Promise<TestImage> {
    const image = this.hub.addImage(name, tag, { layers, seed: `${name}:${tag}` })
    for (let i = 0; i < times; i += 1) await this.pull(name, tag, image)
    return image
  }

  /** Pulls all of an image, as a client does. @throws Error where anything is not answered */
  async pull(name: string, tag: string, { config, layers }: TestImage): Promise<void> {
    const blobs = [config, ...layers].map(({ digest }) => `blobs/${digest}`)
    for (const path of [`manifests/${tag}`, ...blobs]) {
      const answer = await this.get(`${name}/${path}`)
      if (!answer.ok) throw new Error(`${name}/${path}: ${answer.status} ${await answer.text()}`)
      this.pulled.bytes += (await answer.arrayBuffer()).byteLength
      this.pulled.answers += 1
    }
  }

  /** Asks the registry. */
  get(path: string): Promise<Response> {
    return fetch(`http://${this.entrepot.address}/v2/${path}`)
  }

  /** Asks the admin API. */
  async ask<T>(path: string): Promise<T> {
    const headers = { authorization: `Bearer ${TOKEN}` }
    const answer = await fetch(`${this.entrepot.debugUrl}/admin/v1/${path}`, { headers })
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as T
  }
}

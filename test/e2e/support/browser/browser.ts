/** A headless Chromium with an empty profile, which sees nothing of the machine's own settings and asks nobody for anything. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { cleanEnvironment } from '../environment.ts'
import type { Workspace } from '../workspace.ts'
import { Connection } from './connection.ts'
import { Page } from './page.ts'

/** Longest wait for its end, in milliseconds, before it is made to. */
const GRACE_MS = 5_000

const OPTIONS = [
  '--headless',
  '--remote-debugging-pipe',
  // Root has no sandbox; and what is looked at here is our own.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-default-apps',
  '--disable-extensions',
  '--no-proxy-server',
  '--force-color-profile=srgb',
  '--hide-scrollbars',
]

/** How a page is looked at. */
export interface PageOptions {
  readonly width?: number
  readonly height?: number
  readonly colours?: 'light' | 'dark'
  readonly isPhone?: boolean
}

const stop = async (child: ChildProcess, connection: Connection): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  await connection.send('Browser.close').catch(() => undefined)
  const timer = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), GRACE_MS)
  await exited
  clearTimeout(timer)
}

/** A browser in use; it ends with its workspace, and with this process. */
export class Browser {
  readonly #connection: Connection

  private constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Starts one; its files lie below `workspace`. */
  static async start(workspace: Workspace): Promise<Browser> {
    const folder = await workspace.folder('browser')
    const child = spawn('chromium', [...OPTIONS, `--user-data-dir=${folder}/profile`, 'about:blank'], {
      env: cleanEnvironment(folder),
      detached: true,
      // Commands come in at the fourth, answers go out at the fifth. It ends when nobody holds them any more.
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    })
    const connection = new Connection(child.stdio[3] as Writable, child.stdio[4] as Readable)
    workspace.defer(() => stop(child, connection))
    await connection.send('Browser.getVersion')
    return new Browser(connection)
  }

  /** Opens an empty page that shares nothing with the others. */
  async open(options: PageOptions = {}): Promise<Page> {
    const { width = 1280, height = 900, colours = 'light', isPhone = false } = options
    const connection = this.#connection
    const { browserContextId } = await connection.send('Target.createBrowserContext')
    const { targetId } = await connection.send('Target.createTarget', {
      url: 'about:blank',
      browserContextId,
    })
    const { sessionId } = await connection.send('Target.attachToTarget', { targetId, flatten: true })
    const page = new Page(connection, sessionId)
    for (const domain of ['Page', 'Runtime', 'Log', 'Network'])
      await connection.send(`${domain}.enable`, {}, sessionId)
    await page.send('Emulation.setDeviceMetricsOverride', {
      width,
      height,
      deviceScaleFactor: isPhone ? 2 : 1,
      mobile: isPhone,
    })
    await page.send('Emulation.setEmulatedMedia', {
      features: [{ name: 'prefers-color-scheme', value: colours }],
    })
    return page
  }
}

/** A page in a browser, used as a person uses it: with a mouse, with a keyboard, with eyes. What goes wrong in it is kept. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { waitUntil } from '../wait.ts'
import type { Connection, Fields } from './connection.ts'

/** Longest wait for something to be seen, in milliseconds. */
const SEEN_MS = 20_000
/** Clicks on an element that moves away each time. */
const MAX_CLICKS = 5

/** See the top of this file. */
export class Page {
  /** What the console says is wrong: errors, warnings, and what a policy has blocked. */
  readonly problems: string[] = []
  /** The address of everything that was asked for. */
  readonly requests: string[] = []
  readonly #connection: Connection
  readonly #sessionId: string

  constructor(connection: Connection, sessionId: string) {
    this.#connection = connection
    this.#sessionId = sessionId
    this.#hear('Network.requestWillBeSent', ({ request }) => this.requests.push(request.url))
    this.#hear('Runtime.exceptionThrown', ({ exceptionDetails: { text, exception } }) =>
      this.problems.push(exception?.description ?? text),
    )
    this.#hear('Log.entryAdded', ({ entry: { level, text, url } }) => {
      if (level === 'error' || level === 'warning') this.problems.push(`${text} ${url ?? ''}`)
    })
    this.#hear('Runtime.consoleAPICalled', ({ type, args }) => {
      if (type === 'error' || type === 'warning') this.problems.push(JSON.stringify(args))
    })
  }

  #hear(method: string, listener: (params: Fields) => void): void {
    this.#connection.on(method, (params, sessionId) => {
      if (sessionId === this.#sessionId) listener(params)
    })
  }

  /** A command of the DevTools protocol. */
  send(method: string, params: Fields = {}): Promise<Fields> {
    return this.#connection.send(method, params, this.#sessionId)
  }

  /** Goes to an address. */
  async go(url: string): Promise<void> {
    const { errorText } = await this.send('Page.navigate', { url })
    if (errorText !== undefined) throw new Error(`${url}: ${errorText}`)
    await this.until('the page has loaded', "document.readyState === 'complete'")
  }

  /** The value of an expression in the page. @throws Error with what it throws there */
  async evaluate<T = unknown>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', {
      expression,
      returnByValue: true,
      awaitPromise: true,
      allowUnsafeEvalBlockedByCSP: false,
    })
    if (exceptionDetails === undefined) return result.value
    throw new Error(`${expression}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`)
  }

  /** Resolves when an expression in the page is true. */
  async until(what: string, expression: string, timeoutMs = SEEN_MS): Promise<void> {
    await waitUntil(what, async () => (await this.evaluate(expression)) === true, timeoutMs)
  }

  /** What is to be read where a selector first fits; empty where that is not seen. */
  text(selector: string): Promise<string> {
    return this.evaluate(
      `(document.querySelector(${JSON.stringify(selector)})?.innerText ?? '').replace(/\\s+/g, ' ').trim()`,
    )
  }

  /** Resolves when `pattern` can be read where the selector fits. @throws Error with what is there instead */
  async reads(selector: string, pattern: RegExp): Promise<void> {
    let seen = ''
    const look = async (): Promise<boolean> => {
      seen = await this.text(selector)
      return pattern.test(seen)
    }
    await waitUntil(`${selector} reads ${pattern}`, look, SEEN_MS).catch((cause: unknown) => {
      throw new Error(`${selector} reads "${seen}" and not ${pattern}`, { cause })
    })
  }

  /** Presses the mouse on the middle of an element, once it can be seen, lies still, and nothing lies over it. */
  async click(selector: string): Promise<void> {
    const find = `document.querySelector(${JSON.stringify(selector)})`
    const middle = `(() => {
      const element = ${find}
      if (element === null || element.disabled) return
      element.scrollIntoView({ block: 'center', behavior: 'instant' })
      const { x, y, width, height } = element.getBoundingClientRect()
      const at = { x: x + width / 2, y: y + height / 2 }
      const top = document.elementFromPoint(at.x, at.y)
      return width > 0 && (element.contains(top) || top?.contains(element)) ? at : undefined
    })()`
    let at: { x: number; y: number } | undefined
    const look = async (): Promise<boolean> => {
      const last = at
      at = await this.evaluate<typeof at>(middle)
      return at !== undefined && at.x === last?.x && at.y === last.y
    }
    const listen = `(() => {
      window.isMissed = true
      const onClick = () => { window.isMissed = false }
      ${find}?.addEventListener('click', onClick, { once: true, capture: true })
    })()`
    // What moved away just then is clicked once more, as people do.
    for (let tries = 1; ; tries += 1) {
      await waitUntil(`${selector} can be clicked`, look, SEEN_MS)
      await this.evaluate(listen)
      const event = { ...at, button: 'left', clickCount: 1 }
      await this.send('Input.dispatchMouseEvent', { type: 'mousePressed', ...event })
      await this.send('Input.dispatchMouseEvent', { type: 'mouseReleased', ...event })
      if ((await this.evaluate<unknown>('window.isMissed')) !== true) return
      assert.ok(tries < MAX_CLICKS, `${selector} was clicked ${tries} times, and knows of none`)
    }
  }

  /** Clicks on a field and types into it, instead of what was there. */
  async fill(selector: string, text: string): Promise<void> {
    await this.click(selector)
    await this.evaluate(`document.activeElement.select?.()`)
    await this.send('Input.insertText', { text })
  }

  /** Presses a key, such as `Tab`, `Enter` or `Escape`. */
  async press(key: 'Tab' | 'Enter' | 'Escape'): Promise<void> {
    const code = { Tab: 9, Enter: 13, Escape: 27 }[key]
    const event = { key, code: key, windowsVirtualKeyCode: code, ...(key === 'Enter' && { text: '\r' }) }
    await this.send('Input.dispatchKeyEvent', { type: key === 'Enter' ? 'keyDown' : 'rawKeyDown', ...event })
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', key, code: key, windowsVirtualKeyCode: code })
  }

  /** Draws what is seen into a PNG file. */
  async draw(file: string, isWhole = false): Promise<void> {
    const { data } = await this.send('Page.captureScreenshot', {
      format: 'png',
      captureBeyondViewport: isWhole,
    })
    await writeFile(file, Buffer.from(data, 'base64'))
  }
}

/**
 * The DevTools protocol over a pair of pipes: JSON messages with a NUL after each, commands answered by their id, events by
 * their name (https://chromedevtools.github.io/devtools-protocol/).
 */
import type { Readable, Writable } from 'node:stream'

/** Longest wait for the answer to a command, in milliseconds. */
const COMMAND_MS = 30_000

/** What an event says, or a command answers: each has its own fields. */
// biome-ignore lint/suspicious/noExplicitAny: the protocol has hundreds of shapes, and its own documentation of them
export type Fields = Record<string, any>

interface Waiting {
  readonly resolve: (result: Fields) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

type Listener = (params: Fields, sessionId: string | undefined) => void

/** A connection to a browser. */
export class Connection {
  readonly #input: Writable
  readonly #waiting = new Map<number, Waiting>()
  readonly #listeners = new Set<readonly [method: string, listener: Listener]>()
  #lastId = 0
  #rest = ''

  constructor(input: Writable, output: Readable) {
    this.#input = input
    input.on('error', () => this.#end())
    output.setEncoding('utf8').on('data', (text: string) => this.#take(text))
    output.on('close', () => this.#end())
  }

  /** Calls `listener` for every event of that name. */
  on(method: string, listener: Listener): void {
    this.#listeners.add([method, listener])
  }

  /** Has a command done, in the session of a page where one is named. @throws Error where the browser refuses it, or is gone */
  send(method: string, params: Fields = {}, sessionId?: string): Promise<Fields> {
    this.#lastId += 1
    const id = this.#lastId
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(id)?.reject(new Error(`${method}: no answer`)), COMMAND_MS)
      this.#waiting.set(id, { resolve, reject, timer })
      this.#input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    })
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    clearTimeout(waiting?.timer)
    this.#waiting.delete(id)
    return waiting
  }

  #end(): void {
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(new Error('the browser is gone'))
  }

  #take(text: string): void {
    const messages = (this.#rest + text).split('\0')
    this.#rest = messages.pop() ?? ''
    for (const message of messages) this.#hear(JSON.parse(message))
  }

  #hear({ id, method, params, result, error, sessionId }: Fields): void {
    if (id === undefined) {
      for (const [name, listener] of this.#listeners) if (name === method) listener(params, sessionId)
    } else if (error !== undefined) this.#settle(id)?.reject(new Error(error.message))
    else this.#settle(id)?.resolve(result)
  }
}

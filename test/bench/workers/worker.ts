/**
 * Processes of the benchmark's own (clients, the upstream): forked, asked by messages, gone with the benchmark. Each has
 * its own event loop, so that none slows another but by the processors that all share.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Workspace } from '../../e2e/support/workspace.ts'

interface Call {
  readonly id: number
  readonly name: string
  readonly argument: unknown
}

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly failure?: string
}

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

/** What a worker can be asked: name → function. */
export type Handlers = Readonly<Record<string, (argument: never) => Promise<unknown>>>

/** The asking side. */
export class Worker {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  #calls = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (answer: Answer) => this.#onAnswer(answer))
    child.once('exit', () => this.#onExit())
  }

  /** Starts the module at `url` as a worker, to be stopped with `workspace` at the latest. */
  static start(workspace: Workspace, url: URL): Worker {
    const worker = new Worker(fork(url, { stdio: 'inherit' }))
    workspace.defer(() => worker.stop())
    return worker
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Asks, and resolves to the answer. @throws Error of the handler, or where the worker has ended */
  call<T>(name: string, argument?: unknown): Promise<T> {
    const answered = new Promise<T>((resolve, reject) => {
      this.#calls += 1
      const call: Call = { id: this.#calls, name, argument }
      this.#waiting.set(call.id, { resolve: (result) => resolve(result as T), reject })
      this.#child.send(call, (error) => {
        if (error === null) return
        this.#waiting.delete(call.id)
        reject(error)
      })
    })
    // Whoever asked may fail at something else before he comes to wait for the answer.
    answered.catch(() => {})
    return answered
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }

  #onAnswer({ id, result, failure }: Answer): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (failure === undefined) waiting?.resolve(result)
    else waiting?.reject(new Error(failure))
  }

  #onExit(): void {
    for (const { reject } of this.#waiting.values()) reject(new Error('a process of the benchmark ended'))
    this.#waiting.clear()
  }
}

const answer = async (handlers: Handlers, { id, name, argument }: Call): Promise<Answer> => {
  try {
    const handler = handlers[name]
    if (handler === undefined) throw new Error(`no such call: ${name}`)
    return { id, result: await handler(argument as never) }
  } catch (error) {
    return { id, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

/** The answering side: to be called once, by the worker's module. */
export const answerCalls = (handlers: Handlers): void => {
  process.on('message', (call: Call) => void answer(handlers, call).then((reply) => process.send?.(reply)))
  process.once('disconnect', () => process.exit())
}

/**
 * bcrypt off the event loop. One check of cost 10 is 80 ms of computing, and the library's own asynchronous form does
 * that in slices of 100 ms on the thread that serves everybody (20 checks at once: nothing else ran for 1.5 s). Here a
 * worker thread does it, at most {@link MAX_WAITING} checks wait, and each has a deadline.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'

/** Checks that wait for a worker at most; more are refused at once. */
const MAX_WAITING = 64

/** Longest time for one check, in milliseconds: four times that of the highest cost that is accepted. */
const CHECK_TIMEOUT_MS = 30_000

/** Worker threads: a second one where it does not take the last core from the event loop. */
const WORKERS = availableParallelism() > 2 ? 2 : 1

/** Bounds a worker's heap, in MiB. */
const WORKER_HEAP_MIB = 32

/**
 * What a worker runs. As text, since a worker of Node 20 knows neither the loader that runs the tests nor the
 * extension that its file has after the build.
 */
const PROGRAM = `
import { parentPort, workerData } from 'node:worker_threads'
const { compareSync } = await import(workerData.bcrypt)
parentPort.on('message', ({ password, hash }) => parentPort.postMessage(compareSync(password, hash)))
`

/** There are too many checks already. */
export class PasswordPoolBusyError extends Error {
  override readonly name = 'PasswordPoolBusyError'
}

/** A check that waits for a worker. */
interface Waiting {
  readonly resolve: (worker: Worker) => void
  readonly reject: (error: Error) => void
}

/** Checks passwords against bcrypt hashes in worker threads, which start with the first check. */
export class PasswordPool {
  readonly #workers = new Set<Worker>()
  readonly #idle: Worker[] = []
  readonly #waiting: Waiting[] = []
  #isClosed = false

  /**
   * Whether `password` is the one of `hash`; of a password bcrypt sees the first 72 bytes.
   * @throws PasswordPoolBusyError at once where too many wait
   */
  async verify(password: string, hash: string): Promise<boolean> {
    const worker = await this.#take()
    worker.ref()
    try {
      return await ask(worker, { password, hash })
    } catch (error) {
      await this.#discard(worker)
      throw error
    } finally {
      worker.unref()
      this.#release(worker)
    }
  }

  /** Ends the workers; checks that wait or run fail. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('the registry is stopping'))
    await Promise.all([...this.#workers].map((worker) => this.#discard(worker)))
  }

  async #take(): Promise<Worker> {
    if (this.#isClosed) throw new Error('the registry is stopping')
    const idle = this.#idle.pop()
    if (idle !== undefined) return idle
    if (this.#workers.size < WORKERS) return this.#start()
    if (this.#waiting.length >= MAX_WAITING) throw new PasswordPoolBusyError('too many passwords to check')
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  #release(worker: Worker): void {
    const isAlive = this.#workers.has(worker)
    const next = this.#waiting.shift()
    if (next !== undefined) next.resolve(isAlive ? worker : this.#start())
    else if (isAlive) this.#idle.push(worker)
  }

  #start(): Worker {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(PROGRAM)}`), {
      workerData: { bcrypt: import.meta.resolve('bcryptjs') },
      resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MIB },
    })
    this.#workers.add(worker)
    // A death reaches whoever waits for an answer; an idle worker that dies is simply gone.
    worker.on('error', () => this.#forget(worker)).on('exit', () => this.#forget(worker))
    return worker
  }

  #forget(worker: Worker): void {
    this.#workers.delete(worker)
    const index = this.#idle.indexOf(worker)
    if (index >= 0) this.#idle.splice(index, 1)
  }

  async #discard(worker: Worker): Promise<void> {
    this.#forget(worker)
    await worker.terminate()
  }
}

/** One question to one worker, its answer, its death, or the deadline. */
const ask = (worker: Worker, question: { password: string; hash: string }): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const settle = (end: () => void): void => {
      clearTimeout(deadline)
      worker.off('message', onMessage).off('error', onError).off('exit', onExit)
      end()
    }
    const onMessage = (answer: boolean): void => settle(() => resolve(answer))
    const onError = (error: Error): void => settle(() => reject(error))
    const onExit = (): void => settle(() => reject(new Error('the password worker ended')))
    const deadline = setTimeout(
      () => settle(() => reject(new Error('checking a password took too long'))),
      CHECK_TIMEOUT_MS,
    )
    worker.on('message', onMessage).on('error', onError).on('exit', onExit)
    worker.postMessage(question)
  })

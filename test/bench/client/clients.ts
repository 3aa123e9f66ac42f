/** The client processes: what a case asks of them. */
import type { Workspace } from '../../e2e/support/workspace.ts'
import { Worker } from '../workers/worker.ts'
import type { Download, Downloaded } from './download.ts'
import type { ImagePull } from './image.ts'
import type { Requested, Requests } from './requests.ts'
import type { Upload } from './upload.ts'

const MAIN = new URL('./main.ts', import.meta.url)

/** More connections than this are shared among two processes, so that one processor is no bound for them. */
const ONE_PROCESS_CLIENTS = 4

/** Seconds and bytes of a download by any number of clients. */
export interface DownloadTotals extends Downloaded {
  readonly seconds: number
  readonly gigabytesPerS: number
}

const combine = (parts: readonly Downloaded[]): DownloadTotals => {
  const beganAtMs = Math.min(...parts.map((part) => part.beganAtMs))
  const endedAtMs = Math.max(...parts.map((part) => part.endedAtMs))
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0)
  const seconds = (endedAtMs - beganAtMs) / 1000
  return {
    bytes,
    beganAtMs,
    endedAtMs,
    seconds,
    gigabytesPerS: bytes / 1e9 / seconds,
    firstByteMs: parts.flatMap((part) => part.firstByteMs),
    lastByteMs: parts.flatMap((part) => part.lastByteMs),
  }
}

/** Three processes that stand by: two for downloads, one for everything else. */
export class Clients {
  readonly #first: Worker
  readonly #second: Worker
  readonly #other: Worker

  private constructor(workspace: Workspace) {
    this.#first = Worker.start(workspace, MAIN)
    this.#second = Worker.start(workspace, MAIN)
    this.#other = Worker.start(workspace, MAIN)
  }

  static start(workspace: Workspace): Clients {
    return new Clients(workspace)
  }

  async download(order: Download): Promise<DownloadTotals> {
    if (order.clients <= ONE_PROCESS_CLIENTS)
      return combine([await this.#first.call<Downloaded>('download', order)])
    const half = Math.ceil(order.clients / 2)
    return combine(
      await Promise.all([
        this.#first.call<Downloaded>('download', { ...order, clients: half }),
        this.#second.call<Downloaded>('download', { ...order, clients: order.clients - half }),
      ]),
    )
  }

  request(order: Requests): Promise<Requested> {
    return this.#other.call<Requested>('request', order)
  }

  endRequests(): Promise<void> {
    return this.#other.call('endRequests')
  }

  upload(order: Upload): Promise<number> {
    return this.#other.call<number>('upload', order)
  }

  pullImage(order: ImagePull): Promise<number> {
    return this.#other.call<number>('pullImage', order)
  }
}

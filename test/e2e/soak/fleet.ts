/**
 * The clients of the soak: they pull what a tag names, whole, in part, or leave half-way, and hold every answer against
 * what it should be. What must never happen is kept as a complaint:
 *
 * - a whole answer with wrong bytes, whatever the upstream sent;
 * - a 404 for what the upstream has;
 * - anything but a whole answer for what lay in the store before the request and after it. (A tag that was pulled once
 *   and kept is always there: manifests are not evicted.)
 */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { digestOf, isDigest } from '../../../src/protocol/digest.ts'
import { draw } from '../support/draw.ts'
import { getPath } from '../support/get.ts'
import type { Cargo, Ship } from './cargo.ts'
import type { Hold } from './hold.ts'

const LANES = 6

/** An answer as far as it came; `undefined` in place of it: no answer at all. */
interface Received {
  readonly status: number
  readonly bytes: Buffer
  readonly isCut: boolean
  readonly answer: IncomingMessage
}

/** One request for content. */
interface Wanted {
  readonly path: string
  /** Digest of the whole; `undefined`: that of whichever manifest comes. */
  readonly digest: string | undefined
  /** How many bytes to take before leaving; `undefined`: all. */
  readonly leaveAfter: number | undefined
  /** What is kept of it, if anything is. */
  readonly findKept: () => string | undefined
}

/** What the clients count, to be compared with what the server counts. */
export interface FleetCounts {
  /** Requests for manifests and blobs that were answered or left. */
  requests: number
  /** Bytes of content that were received. */
  bytes: number
  /** Bytes that may have been sent to clients which did not read them. */
  unreadBytes: number
}

/** The clients. */
export class Fleet {
  readonly complaints: string[] = []
  /** Answers by status, cut ones apart: what the soak was like. */
  readonly seen = new Map<string, number>()
  counts: FleetCounts = { requests: 0, bytes: 0, unreadBytes: 0 }
  readonly #cargo: Cargo
  readonly #hold: Hold
  #address = ''
  #isServed = false
  #drawn = 0
  /** Tags that were pulled, and those that are known to be kept. */
  readonly #pulled = new Set<string>()
  readonly #kept = new Set<string>()

  constructor(cargo: Cargo, hold: Hold) {
    this.#cargo = cargo
    this.#hold = hold
  }

  /** A server has started. */
  board(address: string): void {
    this.#address = address
    this.#isServed = true
    this.counts = { requests: 0, bytes: 0, unreadBytes: 0 }
  }

  /** The server is about to end: what fails from now on does so for that. */
  leave(): void {
    this.#isServed = false
    // What was pulled last may not have been kept.
    this.#pulled.clear()
  }

  /** Everything that was fetched is stored: what was pulled so far stays. */
  noteKept(): void {
    for (const name of this.#pulled) this.#kept.add(name)
  }

  /** Pulls so many images, several at a time; `onPull` is told after each. */
  async pull(images: number, onPull: (done: number) => void = () => {}): Promise<void> {
    let begun = 0
    let done = 0
    const lane = async (): Promise<void> => {
      while (begun < images && this.#isServed) {
        begun += 1
        this.#drawn += 1
        await this.#pullImage(this.#cargo.choose(`ship ${this.#drawn}`), `pull ${this.#drawn}`)
        done += 1
        onPull(done)
      }
    }
    await Promise.all(Array.from({ length: LANES }, lane))
  }

  /** Every image, one after the other, from an upstream that is well: each must come whole. */
  async pullEverything(): Promise<void> {
    for (const ship of this.#cargo.ships) {
      const blobs = await this.#readTag(ship)
      if (blobs === undefined) this.complaints.push(`${ship.name}: no manifest in the end`)
      for (const digest of blobs ?? []) {
        const received = await this.#receive(this.#wantBlob(ship, digest, undefined))
        if (received?.status !== 200 || received.isCut)
          this.complaints.push(`${ship.name}@${digest}: ${received?.status} in the end`)
      }
    }
  }

  async #pullImage(ship: Ship, seed: string): Promise<void> {
    const blobs = await this.#readTag(ship)
    if (blobs === undefined) return
    const leaves = draw(`${seed} leaves`, 0, 6) === 0
    await Promise.all(
      blobs.map(async (digest) => {
        const leaveAfter = leaves ? draw(`${seed} ${digest}`, 0, 400_000) : undefined
        await this.#receive(this.#wantBlob(ship, digest, leaveAfter))
      }),
    )
  }

  /** @returns blobs of the manifest that the tag names; `undefined` where none came */
  async #readTag({ name, tag }: Ship): Promise<string[] | undefined> {
    const findKept = () => (this.#kept.has(name) ? name : undefined)
    const path = `/v2/${name}/manifests/${tag}`
    const received = await this.#receive({ path, digest: undefined, leaveAfter: undefined, findKept })
    if (received?.status !== 200 || received.isCut) return undefined
    this.#pulled.add(name)
    const { config, layers } = JSON.parse(received.bytes.toString()) as {
      config: { digest: string }
      layers: { digest: string }[]
    }
    return [config, ...layers].map(({ digest }) => digest)
  }

  #wantBlob({ name }: Ship, digest: string, leaveAfter: number | undefined): Wanted {
    const findKept = () => this.#hold.findBlob(name, digest)
    return { path: `/v2/${name}/blobs/${digest}`, digest, leaveAfter, findKept }
  }

  async #receive(wanted: Wanted): Promise<Received | undefined> {
    const kept = wanted.findKept()
    const received = await this.#ask(wanted).catch(() => undefined)
    if (!this.#isServed) return undefined
    this.#note(received === undefined ? 'nothing' : `${received.status}${received.isCut ? ' cut' : ''}`)
    const isWhole = received?.status === 200 && !received.isCut
    if (received?.status === 404) this.#complain(wanted, received, 'is at the upstream')
    if (kept !== undefined && !isWhole && kept === wanted.findKept())
      this.#complain(wanted, received, 'lay in the store')
    if (isWhole && wanted.leaveAfter === undefined) this.#verify(wanted, received)
    return received
  }

  #complain({ path }: Wanted, received: Received | undefined, fact: string): void {
    const answer = `${received?.status}${received?.isCut ? ', cut,' : ''} ${received?.bytes.subarray(0, 300)}`
    this.complaints.push(`${path} ${fact}: ${received === undefined ? 'no answer' : answer}`)
  }

  #verify({ path, digest }: Wanted, { bytes, answer }: Received): void {
    const claimed = digest ?? String(answer.headers['docker-content-digest'])
    if (!isDigest(claimed) || digestOf(bytes) !== claimed)
      this.complaints.push(`${path}: whole and wrong: ${digestOf(bytes)} instead of ${claimed}`)
  }

  async #ask({ path, leaveAfter }: Wanted): Promise<Received> {
    const { counts } = this
    const answer = await getPath(this.#address, path)
    counts.requests += 1
    const isContent = answer.statusCode === 200
    const length = Number(answer.headers['content-length'] ?? 0)
    const chunks: Buffer[] = []
    let received = 0
    let isCut = false
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        chunks.push(chunk)
        received += chunk.length
        if (leaveAfter !== undefined && received > leaveAfter) break
      }
      isCut = leaveAfter === undefined && !answer.complete
    } catch {
      isCut = true
    }
    if (!answer.closed) {
      answer.destroy()
      await once(answer, 'close')
    }
    if (isContent) {
      counts.bytes += received
      counts.unreadBytes += Math.max(0, length - received)
    }
    return { status: answer.statusCode ?? 0, bytes: Buffer.concat(chunks), isCut, answer }
  }

  #note(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1)
  }
}

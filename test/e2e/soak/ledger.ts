/**
 * The books of the soak: what the server says of itself, held against what the volume, the upstream and the clients say,
 * whenever nothing is under way.
 */
import assert from 'node:assert/strict'
import { Exposition, scrape } from '../../support/exposition.ts'
import type { ScriptedUpstream } from '../../support/scripted-upstream.ts'
import type { Entrepot } from '../support/entrepot.ts'
import { waitUntil } from '../support/wait.ts'
import { MAX_LAYER_BYTES } from './cargo.ts'
import type { Fleet } from './fleet.ts'
import type { Hold } from './hold.ts'
import { LOCAL, type Pushers } from './pushers.ts'

/** Patience until what is under way has ended, is counted and evicted, in milliseconds. */
const QUIET_MS = 60_000
/** Growth within a life that is none: memory that the engine keeps, connections that are kept open. */
const MEMORY_FACTOR = 1.5
const MORE_DESCRIPTORS = 16

/** Requests that one side gave up and the other never saw, or the other way round. */
const CROSSED = 3
/** Part of what the upstream sent whole that was not taken: answers to other ranges than were asked for, and the like. */
const REFUSED_SHARE = 0.05
/** And so many of them besides, of which one alone is more than that where little was sent. */
const REFUSED_ANSWERS = 2

const BUSY = ['entrepot_fetches_active', 'registry_http_in_flight_requests', 'entrepot_uploads_active']

/** Whose books. */
export interface LedgerOptions {
  readonly hub: ScriptedUpstream
  readonly fleet: Fleet
  readonly pushers: Pushers
  readonly hold: Hold
  /** `cache.maxsize`. */
  readonly maxBytes: number
}

/** What must not grow while the same is done again and again. */
interface Footprint {
  readonly residentBytes: number
  readonly descriptors: number
}

/** Keeps the books. */
export class Ledger {
  readonly #options: LedgerOptions
  /** What the lives before have left: partial files, to be gone on with, and files in the making. */
  #leftBytes = 0
  #leftTemporary = 0
  #savedAtStart = 0
  #early: Footprint | undefined
  #shown = new Exposition('')

  constructor(options: LedgerOptions) {
    this.#options = options
  }

  /** A life is about to begin. */
  async begin(): Promise<void> {
    const { hold } = this.#options
    this.#leftBytes = (await hold.measure('partials')).bytes
    this.#leftTemporary = (await hold.measure('tmp')).files
    this.#early = undefined
  }

  /** It has begun: what lasts goes on where it was, or later. */
  async open({ debugUrl }: Entrepot): Promise<void> {
    const saved = (await scrape(debugUrl)).sum('entrepot_saved_bytes_total')
    assert.ok(saved >= this.#shown.sum('entrepot_saved_bytes_total'), 'fewer bytes saved than before')
    this.#savedAtStart = saved
  }

  /** Waits until nothing is under way, and compares everything. */
  async takeStock(entrepot: Entrepot): Promise<void> {
    await this.#becomeQuiet(entrepot)
    this.#checkRequests()
    this.#checkBytes()
    await this.#checkFootprint(entrepot)
  }

  /** Some figures of the last stock, for whoever watches. */
  summary(): string {
    const shown = this.#shown
    const megabytes = (name: string): number => Math.round(shown.sum(name) / 1e6)
    return [
      `${megabytes('entrepot_cache_size_bytes')} of ${Math.round(this.#options.maxBytes / 1e6)} MB used`,
      `${megabytes('entrepot_saved_bytes_total')} MB saved in all`,
      `${shown.sum('entrepot_evicted_blobs_total')} evicted`,
      `${Math.round((this.#early?.residentBytes ?? 0) / 1e6)} MB resident`,
    ].join(', ')
  }

  /** Quiet is when all has ended, and what the server says of its volume is what lies there. */
  async #becomeQuiet({ debugUrl }: Entrepot): Promise<void> {
    let found = 'nothing'
    const probe = async (): Promise<boolean> => {
      const shown = await scrape(debugUrl)
      const { mirroredBytes, localBytes } = await this.#options.hold.weigh(LOCAL)
      const size = shown.sum('entrepot_cache_size_bytes')
      const busy = BUSY.map((name) => shown.sum(name))
      this.#shown = shown
      found = `active ${busy.join(', ')}; size ${size}, on disk ${mirroredBytes} and ${localBytes} that are local`
      // What became local since the last count is counted until the next.
      const isTrue = size >= mirroredBytes && size <= mirroredBytes + localBytes
      return busy.every((each) => each === 0) && isTrue && mirroredBytes <= this.#options.maxBytes
    }
    await waitUntil('quiet', probe, QUIET_MS).catch((cause: unknown) => {
      throw new Error(`no quiet, or over the budget of ${this.#options.maxBytes} bytes: ${found}`, { cause })
    })
  }

  #checkRequests(): void {
    const { counts } = this.#options.hub
    const shown = this.#shown
    const asked = (kind: string): number => shown.sum('entrepot_upstream_requests_total', { kind })
    const seen = {
      manifest: counts.manifest,
      head: counts.manifestHead + counts.blobHead,
      blob: counts.blob,
      token: counts.token,
    }
    for (const [kind, times] of Object.entries(seen))
      assertWithin(`${kind} requests`, asked(kind), times - CROSSED, times + CROSSED)
    const answered = (handler: string): number =>
      shown.sum('registry_http_requests_total', { handler, method: 'get' })
    const { fleet, pushers } = this.#options
    assert.deepEqual(
      {
        requests: answered('manifest') + answered('blob'),
        pushes: shown.sum('entrepot_operations_total', { action: 'push', type: 'manifest' }),
        stale: shown.sum('entrepot_reads_total', { answer: 'stale' }),
      },
      {
        requests: fleet.counts.requests + pushers.reads,
        pushes: pushers.pushes,
        stale: shown.sum('entrepot_stale_answers_total'),
      },
    )
  }

  #checkBytes(): void {
    const { fleet, hub } = this.#options
    const shown = this.#shown
    const received = shown.sum('entrepot_upstream_bytes_total')
    const whole = hub.sentBytes - hub.cutBytes
    const refused = whole * REFUSED_SHARE + REFUSED_ANSWERS * MAX_LAYER_BYTES
    assertWithin('bytes from the upstream', received, whole - refused, hub.sentBytes)
    const sent = shown.sum('registry_proxy_pushed_bytes_total')
    assertWithin('bytes to clients', sent, fleet.counts.bytes, fleet.counts.bytes + fleet.counts.unreadBytes)
    // What was saved is told a little later than the rest.
    const saved = shown.sum('entrepot_saved_bytes_total') - this.#savedAtStart
    assertWithin('bytes saved', saved, 0, sent)
  }

  /** What was saved in this life, once it is told: what clients got and no upstream sent, now or to an earlier life. */
  async checkSaved({ debugUrl }: Entrepot): Promise<void> {
    const least =
      this.#shown.sum('registry_proxy_pushed_bytes_total') -
      this.#shown.sum('registry_proxy_pulled_bytes_total') -
      this.#leftBytes
    const probe = async (): Promise<boolean> => {
      this.#shown = await scrape(debugUrl)
      return this.#shown.sum('entrepot_saved_bytes_total') - this.#savedAtStart >= least
    }
    await waitUntil(`${least} bytes saved`, probe, QUIET_MS)
  }

  async #checkFootprint(entrepot: Entrepot): Promise<void> {
    const { hold } = this.#options
    const open = await entrepot.openFiles()
    const found = { residentBytes: await entrepot.residentBytes(), descriptors: open.length }
    const early = this.#early ?? found
    this.#early = early
    assertWithin('bytes resident', found.residentBytes, 0, early.residentBytes * MEMORY_FACTOR)
    assertWithin('descriptors', found.descriptors, 0, early.descriptors + MORE_DESCRIPTORS)
    // What is written every few seconds may be open, or in the making, just now: what stays is left behind.
    const isClosed = async (): Promise<boolean> =>
      !(await entrepot.openFiles()).some((path) => path.startsWith(hold.root))
    await waitUntil('no file of the store is open', isClosed, QUIET_MS)
    const isSwept = async (): Promise<boolean> => (await hold.measure('tmp')).files <= this.#leftTemporary
    await waitUntil(`no more than ${this.#leftTemporary} temporary files`, isSwept, QUIET_MS)
  }
}

const assertWithin = (what: string, found: number, least: number, most: number): void =>
  assert.ok(found >= least && found <= most, `${what}: ${found}, not from ${least} to ${most}`)

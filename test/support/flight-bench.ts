/**
 * Downloads in a folder of their own, without a server around them:
 *
 *     const bench = await FlightBench.create({ bytes, answers: [{ dropAt: 100 }] })
 *     const { flight } = bench.start()
 *     const read = await bench.readAll(flight)      // bytes up to the end, and the error that came instead of one
 *     await bench.end()                             // and it is asserted that nothing is left open
 */
import assert from 'node:assert/strict'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Flight } from '../../src/fetch/flight.ts'
import { Flights } from '../../src/fetch/flights.ts'
import { Partials } from '../../src/fetch/partials.ts'
import type { FlightPlan, FlightTools } from '../../src/fetch/plan.ts'
import type { Clock } from '../../src/fetch/source.ts'
import { silentLogger } from '../../src/observe/log.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import type { Digest } from '../../src/protocol/digest.ts'
import type { OwnerState } from '../../src/store/owner.ts'
import { formatFileDigest } from '../../src/store/paths.ts'
import { type BlobAnswer, BlobUpstream } from './blob-upstream.ts'
import { listFolder, makeFolder } from './entrepot.ts'
import { FaultyDisk } from './faulty-disk.ts'

const PARTIALS = 'partials'
const STORED = 'stored'
const OWN_ID = 'own'

/** What a bench is made of. */
export interface FlightBenchOptions {
  readonly bytes: Buffer
  readonly answers?: readonly BlobAnswer[]
  readonly digest?: Digest
  /** Owners of leftovers → what became of them, asked each time; others are gone. */
  readonly owners?: Readonly<Record<string, () => OwnerState | Promise<OwnerState>>>
  readonly tools?: Partial<FlightTools>
}

/** A reader's bytes, and the error that came where the end should have been. */
export interface Read {
  readonly bytes: Buffer
  readonly error: unknown
}

const gone = (): OwnerState => 'gone'

/** What {@link FlightBench.readAll} reads from. */
interface Readable {
  read(buffer: Uint8Array, position: number, length: number): Promise<number>
  close(): Promise<void>
}

/** A clock that goes on by as much as is slept. */
export const sleepingClock = (): Clock & { slept: number[] } => {
  let nowMs = 0
  const slept: number[] = []
  return {
    slept,
    now: () => nowMs,
    sleep: async (ms, signal) => {
      signal.throwIfAborted()
      slept.push(ms)
      nowMs += ms
    },
    random: () => 0.5,
  }
}

/** See the top of this file. */
export class FlightBench {
  readonly root: string
  readonly disk = new FaultyDisk()
  readonly upstream: BlobUpstream
  readonly flights: Flights
  readonly partials: Partials
  readonly clock = sleepingClock()
  readonly metrics = createMetrics()

  private constructor(root: string, options: FlightBenchOptions) {
    const { bytes, answers, digest, owners = {}, tools } = options
    this.root = root
    this.upstream = new BlobUpstream(bytes, answers, digest)
    const owner = {
      id: OWN_ID,
      stateOf: async (id: string) => (id === OWN_ID ? 'alive' : await (owners[id] ?? gone)()),
    }
    this.partials = new Partials(join(root, PARTIALS), owner, this.disk.open)
    this.flights = new Flights({
      partials: this.partials,
      log: silentLogger,
      metrics: this.metrics,
      clock: this.clock,
      giveUpAfterMs: 120_000,
      abandons: false,
      ...tools,
    })
  }

  static async create(options: FlightBenchOptions): Promise<FlightBench> {
    const root = await makeFolder()
    await mkdir(join(root, PARTIALS))
    await mkdir(join(root, STORED))
    return new FlightBench(root, options)
  }

  /** Joins or starts the download. */
  start(plan: Partial<FlightPlan> = {}): { readonly flight: Flight; readonly isNew: boolean } {
    return this.flights.start({
      digest: this.upstream.digest,
      upstream: this.upstream,
      name: 'library/alpine',
      priority: 'client',
      store: ({ file, stored }) => rename(file, join(this.root, STORED, formatFileDigest(stored))),
      ...plan,
    })
  }

  /** The path of a partial of an owner; ours by default. */
  partialPath(owner = OWN_ID): string {
    return join(this.root, PARTIALS, `${formatFileDigest(this.upstream.digest)}.${owner}`)
  }

  /** Names of partial files. */
  listPartials(): Promise<string[]> {
    return listFolder(this.root, PARTIALS)
  }

  /** What was stored of a digest. */
  async readStored(digest: Digest = this.upstream.digest): Promise<Buffer | undefined> {
    return readFile(join(this.root, STORED, formatFileDigest(digest))).catch(() => undefined)
  }

  /** Waits for the upstream's answer, opens a reader, and reads everything from `position` on. */
  async readAll(flight: Flight, position = 0): Promise<Read> {
    try {
      await flight.answered
    } catch (error) {
      return { bytes: Buffer.alloc(0), error }
    }
    const reader = flight.open('a')
    assert.ok(reader)
    return readToEnd(reader, position)
  }

  /** Ends what is under way, and removes the folder. No file and no body of the upstream may be open. */
  async end(): Promise<void> {
    await this.flights.close()
    await rm(this.root, { recursive: true })
    assert.equal(this.disk.openFiles, 0, 'files are left open')
    assert.equal(this.upstream.openBodies, 0, 'bodies are left open')
  }
}

/** Reads to the end, or to an error, and closes. */
export const readToEnd = async (reader: Readable, position = 0, pieceBytes = 64 * 1024): Promise<Read> => {
  const chunks: Buffer[] = []
  const buffer = Buffer.alloc(pieceBytes)
  try {
    for (let at = position; ; ) {
      const length = await reader.read(buffer, at, buffer.length)
      if (length === 0) return { bytes: Buffer.concat(chunks), error: undefined }
      chunks.push(Buffer.from(buffer.subarray(0, length)))
      at += length
    }
  } catch (error) {
    return { bytes: Buffer.concat(chunks), error }
  } finally {
    await reader.close()
  }
}

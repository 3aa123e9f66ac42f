/**
 * Any sequence of operations on uploads ends in the right blob or in a clean refusal: the real code on a real folder,
 * beside a model that knows what each upload should hold.
 */
import assert from 'node:assert/strict'
import { readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type Digest, type DigestAlgorithm, digestOf } from '../../src/protocol/digest.ts'
import { RegistryError } from '../../src/protocol/error.ts'
import type { Chunk } from '../../src/push/upload.ts'
import type { UploadState } from '../../src/push/upload-state.ts'
import { UPLOADS_FOLDER } from '../../src/store/paths.ts'
import fc from '../support/fast-check.ts'
import { makeQuickFolder } from '../support/quick-folder.ts'
import { bodyOf, brokenBody, localRepository, openParts } from './parts.ts'

const REPOSITORY = localRepository('team/app')
const MAX_UPLOADS = 2
const MAX_CHUNK_BYTES = 200

/** What an upload should be: its bytes while it goes on, and every location that was given for it. */
interface ModelUpload {
  bytes: Buffer | undefined
  readonly locations: UploadState[]
}

interface Model {
  readonly uploads: ModelUpload[]
  readonly blobs: Map<Digest, Buffer>
}

interface Real {
  readonly root: string
  parts: ReturnType<typeof openParts>
  starts: number
}

type Step = fc.AsyncCommand<Model, Real>

const chunkOf = (body: Chunk['body'], first?: number, length = 0): Chunk => ({
  body,
  range: first === undefined ? undefined : { first, last: first + length - 1 },
})

/** The error's code where the work was refused, else what it gave. */
const outcomeOf = async <T>(work: Promise<T>): Promise<T | string> => {
  try {
    return await work
  } catch (error) {
    if (error instanceof RegistryError) return error.code
    throw error
  }
}

const pick = <T>(items: readonly T[], seed: number): T => items[seed % items.length]!

const hasUpload = ({ uploads }: Readonly<Model>): boolean => uploads.length > 0

class Start implements Step {
  readonly #algorithm: DigestAlgorithm

  constructor(algorithm: DigestAlgorithm) {
    this.#algorithm = algorithm
  }

  check = ({ uploads }: Readonly<Model>): boolean => uploads.length < MAX_UPLOADS
  toString = (): string => `start(${this.#algorithm})`

  async run(model: Model, { parts }: Real): Promise<void> {
    const state = await parts.uploads.start(REPOSITORY, this.#algorithm)
    model.uploads.push({ bytes: Buffer.alloc(0), locations: [state] })
  }
}

/** How a chunk says where it belongs, and how it comes. */
type Manner = 'stream' | 'in order' | 'too far' | 'from 0' | 'cut' | 'short' | 'long'

const MANNERS: readonly Manner[] = ['stream', 'in order', 'too far', 'from 0', 'cut', 'short', 'long']

class Append implements Step {
  readonly #upload: number
  readonly #location: number
  readonly #bytes: Buffer
  readonly #manner: Manner

  constructor(upload: number, location: number, bytes: Uint8Array, manner: Manner) {
    this.#upload = upload
    this.#location = location
    this.#bytes = Buffer.from(bytes)
    this.#manner = manner
  }

  check = hasUpload
  toString = (): string =>
    `append(${this.#upload}, location ${this.#location}, ${this.#bytes.length} bytes, ${this.#manner})`

  async run(model: Model, { parts }: Real): Promise<void> {
    const upload = pick(model.uploads, this.#upload)
    const state = pick([...upload.locations].reverse(), this.#location)
    const held = upload.bytes?.length ?? 0
    const outcome = await outcomeOf(
      parts.uploads.append(state, this.#chunk(held)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ECONNRESET') throw error
        return 'left' as const
      }),
    )
    if (upload.bytes === undefined) return assert.equal(outcome, 'BLOB_UPLOAD_UNKNOWN')
    const isInOrder = state.offset === held && (this.#manner !== 'too far' || this.#bytes.length === 0)
    const isPlaced = isInOrder && (this.#manner !== 'from 0' || held === 0 || this.#bytes.length === 0)
    if (!isPlaced) {
      assert.ok(typeof outcome === 'object' && outcome.kind === 'out-of-order', String(outcome))
      assert.equal(outcome.upload.offset, held)
      return
    }
    if (this.#bytes.length > 0 && (this.#manner === 'short' || this.#manner === 'long'))
      return assert.equal(outcome, 'SIZE_INVALID')
    upload.bytes = Buffer.concat([upload.bytes, this.#bytes])
    if (this.#manner === 'cut') return assert.equal(outcome, 'left')
    assert.ok(typeof outcome === 'object' && outcome.kind === 'appended', String(outcome))
    assert.equal(outcome.upload.offset, upload.bytes.length)
    upload.locations.push(outcome.upload)
  }

  #chunk(held: number): Chunk {
    const { length } = this.#bytes
    const body = this.#manner === 'cut' ? brokenBody(this.#bytes) : bodyOf(this.#bytes)
    if (length === 0 || this.#manner === 'stream' || this.#manner === 'cut') return chunkOf(body)
    const lengths: Partial<Record<Manner, number>> = { short: length + 1, long: length - 1 }
    const first = this.#manner === 'too far' ? held + 1 : this.#manner === 'from 0' ? 0 : held
    // A range has at least one byte: of a single one nothing can be too long.
    const said = lengths[this.#manner] ?? length
    return chunkOf(body, first, said === 0 ? length + 1 : said)
  }
}

class Finish implements Step {
  readonly #upload: number
  readonly #last: Buffer
  readonly #algorithm: DigestAlgorithm
  readonly #isLie: boolean

  constructor(upload: number, last: Uint8Array, algorithm: DigestAlgorithm, isLie: boolean) {
    this.#upload = upload
    this.#last = Buffer.from(last)
    this.#algorithm = algorithm
    this.#isLie = isLie
  }

  check = hasUpload
  toString = (): string =>
    `finish(${this.#upload}, ${this.#last.length} bytes, ${this.#algorithm}${this.#isLie ? ', a lie' : ''})`

  async run(model: Model, { parts }: Real): Promise<void> {
    const upload = pick(model.uploads, this.#upload)
    const state = upload.locations.at(-1)!
    const whole = Buffer.concat([upload.bytes ?? Buffer.alloc(0), this.#last])
    const digest = digestOf(this.#isLie ? `${whole.toString('hex')} lie` : whole, this.#algorithm)
    const outcome = await outcomeOf(parts.uploads.finish(state, chunkOf(bodyOf(this.#last)), digest))
    if (upload.bytes === undefined) return assert.equal(outcome, 'BLOB_UPLOAD_UNKNOWN')
    // After a client that left its last location no longer says where the upload ends.
    if (state.offset !== upload.bytes.length) {
      assert.ok(typeof outcome === 'object' && outcome.kind === 'out-of-order', String(outcome))
      upload.locations.push(outcome.upload)
      return
    }
    upload.bytes = undefined
    if (this.#isLie) return assert.equal(outcome, 'DIGEST_INVALID')
    assert.deepEqual(outcome, { kind: 'finished', blob: { digest, sizeBytes: whole.length } })
    model.blobs.set(digest, whole)
  }
}

class Ask implements Step {
  readonly #upload: number
  readonly #location: number

  constructor(upload: number, location: number) {
    this.#upload = upload
    this.#location = location
  }

  check = hasUpload
  toString = (): string => `ask(${this.#upload}, location ${this.#location})`

  async run(model: Model, { parts }: Real): Promise<void> {
    const upload = pick(model.uploads, this.#upload)
    const outcome = await outcomeOf(parts.uploads.find(pick(upload.locations, this.#location)))
    if (upload.bytes === undefined) return assert.equal(outcome, 'BLOB_UPLOAD_UNKNOWN')
    assert.ok(typeof outcome === 'object')
    assert.equal(outcome.offset, upload.bytes.length)
    upload.locations.push(outcome)
  }
}

class Cancel implements Step {
  readonly #upload: number

  constructor(upload: number) {
    this.#upload = upload
  }

  check = hasUpload
  toString = (): string => `cancel(${this.#upload})`

  async run(model: Model, { parts }: Real): Promise<void> {
    const upload = pick(model.uploads, this.#upload)
    const outcome = await outcomeOf(parts.uploads.cancel(upload.locations[0]!))
    assert.equal(outcome, upload.bytes === undefined ? 'BLOB_UPLOAD_UNKNOWN' : undefined)
    upload.bytes = undefined
  }
}

/** Another process goes on; the one before died, and held every upload when it did so. */
class Restart implements Step {
  check = (): boolean => true
  toString = (): string => 'restart'

  async run(_model: Model, real: Real): Promise<void> {
    const folder = join(real.root, UPLOADS_FOLDER)
    for (const id of await readdir(folder).catch(() => []))
      for (const name of await readdir(join(folder, id)))
        if (name.startsWith('data'))
          await rename(join(folder, id, name), join(folder, id, `data.process-${real.starts}`))
    real.starts += 1
    real.parts = openParts(real.root, { owner: `process-${real.starts}` })
  }
}

const index = fc.nat({ max: 20 })
const bytes = fc.uint8Array({ maxLength: MAX_CHUNK_BYTES })
const algorithm = fc.constantFrom<DigestAlgorithm>('sha256', 'sha512')

const append = fc
  .tuple(index, fc.constantFrom(0, 0, 0, 1, 2), bytes, fc.constantFrom(...MANNERS))
  .map((each) => new Append(...each))

const steps = [
  algorithm.map((each) => new Start(each)),
  // Most of what happens to an upload is that it grows.
  append,
  append,
  append,
  append,
  fc
    .tuple(index, bytes, algorithm, fc.constantFrom(false, false, true))
    .map(([upload, last, by, isLie]) => new Finish(upload, last, by, isLie)),
  fc.tuple(index, index).map((each) => new Ask(...each)),
  index.map((each) => new Cancel(each)),
  fc.constant(new Restart()),
]

/** Every blob that was acknowledged is there, whole, and of uploads there are those that were not ended. */
const assertAsModelled = async (model: Model, { root, parts }: Real): Promise<void> => {
  for (const [digest, expected] of model.blobs) {
    const stored = await parts.links.findBlob(REPOSITORY.name, digest)
    assert.ok(stored, `${digest} is not linked`)
    assert.deepEqual(await parts.blobs.read(stored), expected)
  }
  const open = model.uploads.filter((each) => each.bytes !== undefined)
  const left = await readdir(join(root, UPLOADS_FOLDER)).catch(() => [])
  assert.deepEqual(left.sort(), open.map(({ locations }) => locations[0]!.id).sort())
  for (const { bytes, locations } of open) {
    const folder = join(root, UPLOADS_FOLDER, locations[0]!.id)
    const data = (await readdir(folder)).find((name) => name.startsWith('data'))!
    assert.deepEqual(await readFile(join(folder, data)), bytes)
  }
}

describe('any sequence of upload operations', () => {
  it('ends in the right blob or a clean refusal', async () => {
    const property = fc.asyncProperty(fc.commands(steps, { maxCommands: 20 }), async (commands) => {
      const root = await makeQuickFolder()
      const real: Real = { root, parts: openParts(root, { owner: 'process-0' }), starts: 0 }
      const model: Model = { uploads: [], blobs: new Map() }
      try {
        await new Start('sha256').run(model, real)
        await fc.asyncModelRun(() => ({ model, real }), commands)
        await assertAsModelled(model, real)
      } finally {
        await rm(root, { recursive: true })
      }
    })
    await fc.assert(property, { numRuns: 60 })
  })
})

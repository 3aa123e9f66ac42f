/** Any sequence of pushes, mounts, deletes, fetches and collections keeps what a model says is reachable, and frees the rest. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type Digest, digestOf } from '../../src/protocol/digest.ts'
import type { RepositoryName, Tag } from '../../src/protocol/name.ts'
import fc from '../support/fast-check.ts'
import { imageOf, indexOf, Workbench } from './workbench.ts'

const HOUR_MS = 3_600_000
const GRACE_MS = 6 * HOUR_MS
const LOCAL = ['a', 'a/b'] as const
const MIRRORED = 'library/m'
const CONFIG = Buffer.from('{}')
const LAYERS = Array.from({ length: 4 }, (_, i) => Buffer.from(`layer ${i}`))
const BLOBS = [CONFIG, ...LAYERS]

const RUNS = Number(process.env.ENTREPOT_MODEL_RUNS ?? 25)

/** What is known of one repository. */
class Shelf {
  readonly blobs = new Set<Digest>()
  readonly manifests = new Map<Digest, { readonly bytes: Buffer; readonly named: readonly Digest[] }>()
  readonly tags = new Map<string, Digest>()

  /** Everything that its manifests name. */
  named(): Set<Digest> {
    return new Set([...this.manifests.values()].flatMap(({ named }) => named))
  }

  /** Manifests that a tag reaches. */
  tagged(): Set<Digest> {
    const reached = new Set<Digest>()
    const waiting = [...this.tags.values()]
    for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
      if (reached.has(digest)) continue
      reached.add(digest)
      waiting.push(...(this.manifests.get(digest)?.named ?? []))
    }
    return reached
  }
}

class Model {
  readonly shelves = new Map([...LOCAL, MIRRORED].map((name) => [name as string, new Shelf()]))
  readonly touchedAtMs = new Map<Digest, number>()
  bytes = new Set<Digest>()

  shelf(name: string): Shelf {
    return this.shelves.get(name)!
  }

  reachable(): Set<Digest> {
    const all = new Set<Digest>()
    for (const { blobs, manifests } of this.shelves.values())
      for (const digest of [...blobs, ...manifests.keys()]) all.add(digest)
    for (const shelf of this.shelves.values()) for (const digest of shelf.named()) all.add(digest)
    return all
  }

  collect(nowMs: number, { graceMs, dropsUntagged }: { graceMs: number; dropsUntagged: boolean }): void {
    for (const name of LOCAL) {
      const shelf = this.shelf(name)
      const tagged = shelf.tagged()
      if (dropsUntagged)
        for (const digest of shelf.manifests.keys()) if (!tagged.has(digest)) shelf.manifests.delete(digest)
      const named = shelf.named()
      for (const digest of shelf.blobs) {
        const isOld = graceMs === 0 || nowMs - (this.touchedAtMs.get(digest) ?? 0) > graceMs
        if (!named.has(digest) && isOld) shelf.blobs.delete(digest)
      }
    }
    const reachable = this.reachable()
    this.bytes = new Set([...this.bytes].filter((digest) => reachable.has(digest)))
  }
}

/** The store and its model, and what can be done to both. */
class Play {
  readonly bench: Workbench
  readonly model = new Model()

  constructor(bench: Workbench) {
    this.bench = bench
  }

  #stored(digest: Digest): void {
    this.model.bytes.add(digest)
    this.model.touchedAtMs.set(digest, this.bench.now())
  }

  async push(name: string, i: number): Promise<void> {
    const digest = await this.bench.pushBlob(name, BLOBS[i]!)
    this.model.shelf(name).blobs.add(digest)
    this.#stored(digest)
  }

  async mirror(i: number): Promise<void> {
    const digest = await this.bench.mirrorBlob(MIRRORED, BLOBS[i]!)
    this.model.shelf(MIRRORED).blobs.add(digest)
    this.#stored(digest)
  }

  async mount(to: string, from: string, i: number): Promise<void> {
    const digest = digestOf(BLOBS[i]!)
    const isThere = this.model.shelf(from).blobs.has(digest)
    assert.equal(await this.bench.mount(to, digest, from), isThere)
    if (!isThere) return
    this.model.shelf(to).blobs.add(digest)
    this.#stored(digest)
  }

  async ask(name: string, i: number): Promise<void> {
    const digest = digestOf(BLOBS[i]!)
    if (!this.model.shelf(name).blobs.has(digest)) return
    await this.bench.store.leases.renew(digest)
    this.model.touchedAtMs.set(digest, this.bench.now())
  }

  async putImage(name: string, bits: number, tag?: string): Promise<void> {
    const blobs = [CONFIG, ...LAYERS.filter((_, i) => (bits & (1 << i)) !== 0)]
    const isWhole = blobs.every((blob) => this.model.shelf(name).blobs.has(digestOf(blob)))
    await this.#put(
      name,
      imageOf(blobs),
      blobs.map((blob) => digestOf(blob)),
      isWhole,
      tag,
    )
  }

  async putIndex(name: string, tag?: string): Promise<void> {
    const images = [...this.model.shelf(name).manifests].filter(([, { bytes }]) => bytes.includes('"layers"'))
    const children = images.map(([, { bytes }]) => bytes)
    await this.#put(
      name,
      indexOf(children),
      images.map(([digest]) => digest),
      true,
      tag,
    )
  }

  async #put(name: string, bytes: Buffer, named: Digest[], isWhole: boolean, tag?: string): Promise<void> {
    // What a manifest names is used by it, also where it is refused: its client is about to push what it lacks.
    for (const digest of named) this.model.touchedAtMs.set(digest, this.bench.now())
    const put = this.bench.pushManifest(name, bytes, tag)
    if (!isWhole) return assert.rejects(put, /unknown to this repository/)
    const digest = await put
    const shelf = this.model.shelf(name)
    shelf.manifests.set(digest, { bytes, named })
    this.model.bytes.add(digest)
    if (tag !== undefined) shelf.tags.set(tag, digest)
  }

  async deleteBlob(name: string, i: number): Promise<void> {
    const digest = digestOf(BLOBS[i]!)
    const isThere = this.model.shelf(name).blobs.delete(digest)
    const deleted = this.bench.deletes.deleteBlob(this.bench.local(name), digest)
    await (isThere ? deleted : assert.rejects(deleted))
  }

  async deleteManifest(name: string, i: number): Promise<void> {
    const shelf = this.model.shelf(name)
    const digest = [...shelf.manifests.keys()][i]
    if (digest === undefined) return
    await this.bench.deletes.deleteManifest(this.bench.local(name), digest)
    shelf.manifests.delete(digest)
    for (const [tag, target] of shelf.tags) if (target === digest) shelf.tags.delete(tag)
  }

  async deleteTag(name: string, tag: string): Promise<void> {
    const isThere = this.model.shelf(name).tags.delete(tag)
    const deleted = this.bench.deletes.deleteTag(this.bench.local(name), tag as Tag)
    await (isThere ? deleted : assert.rejects(deleted))
  }

  async collect(graceMs: number, dropsUntagged: boolean): Promise<void> {
    const rules = { graceMs, dropsUntagged }
    const dry = await this.bench.collect({ ...rules, isDryRun: true })
    await this.check()
    const wet = await this.bench.collect(rules)
    assert.deepEqual([dry.blobs, dry.bytes, dry.links], [wet.blobs, wet.bytes, wet.links])
    this.model.collect(this.bench.now(), rules)
    await this.check()
  }

  /** Everything is there that should be, and nothing else. */
  async check(): Promise<void> {
    assert.deepEqual(await this.bench.listBytes(), [...this.model.bytes].sort())
    for (const [name, { blobs, manifests, tags }] of this.model.shelves) {
      for (const blob of BLOBS)
        assert.equal(await this.bench.hasBlob(name, digestOf(blob)), blobs.has(digestOf(blob)))
      const found = await this.bench.store.links.listManifests(name as RepositoryName)
      assert.deepEqual(found.sort(), [...manifests.keys()].sort())
      for (const digest of found) assert.ok(await this.bench.hasManifest(name, digest))
      for (const [tag, digest] of tags)
        assert.equal(await this.bench.store.links.readTag(name as RepositoryName, tag as Tag), digest)
    }
  }
}

const name = fc.constantFrom(...LOCAL)
const blob = fc.nat(BLOBS.length - 1)
const tag = fc.constantFrom('v1', 'v2')
const step = <T extends unknown[]>(
  arbitrary: fc.Arbitrary<T>,
  run: (play: Play, ...args: T) => Promise<void>,
) =>
  arbitrary.map((args) => ({
    text: `${run.toString().replace(/^.*play\./, '')} ${args.join(' ')}`,
    run: (play: Play) => run(play, ...args),
  }))

const STEPS = fc.oneof(
  step(fc.tuple(name, blob), (play, ...args) => play.push(...args)),
  step(fc.tuple(name, tag), async (play, where, to) => {
    for (let i = 0; i < BLOBS.length; i += 1) await play.push(where, i)
    await play.putImage(where, 2 ** LAYERS.length - 1, to)
  }),
  step(fc.tuple(blob), (play, ...args) => play.mirror(...args)),
  step(fc.tuple(name, fc.constantFrom(...LOCAL, MIRRORED), blob), (play, ...args) => play.mount(...args)),
  step(fc.tuple(name, blob), (play, ...args) => play.ask(...args)),
  step(fc.tuple(name, fc.nat(15), fc.option(tag, { nil: undefined })), (play, ...args) =>
    play.putImage(...args),
  ),
  step(fc.tuple(name, fc.option(tag, { nil: undefined })), (play, ...args) => play.putIndex(...args)),
  step(fc.tuple(name, blob), (play, ...args) => play.deleteBlob(...args)),
  step(fc.tuple(name, fc.nat(2)), (play, ...args) => play.deleteManifest(...args)),
  step(fc.tuple(name, tag), (play, ...args) => play.deleteTag(...args)),
  step(fc.tuple(fc.constantFrom(1, 4, 8)), async (play, hours) => {
    play.bench.aheadMs += hours * HOUR_MS
  }),
  step(fc.tuple(fc.constant(GRACE_MS), fc.constant(false)), (play, ...args) => play.collect(...args)),
  step(fc.tuple(fc.constant(0), fc.boolean()), (play, ...args) => play.collect(...args)),
)

it('the garbage collection keeps what is reachable and frees what is not, whatever came before', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(STEPS, { minLength: 5, maxLength: 30 }), async (steps) => {
      const bench = await Workbench.open()
      try {
        const play = new Play(bench)
        // From here on what is there was there for a while, by the store's clock.
        bench.aheadMs = HOUR_MS
        for (const each of steps) await each.run(play)
        await play.check()
        bench.aheadMs += GRACE_MS + HOUR_MS
        await play.collect(GRACE_MS, false)
      } finally {
        await bench.close()
      }
    }),
    { numRuns: RUNS },
  )
})

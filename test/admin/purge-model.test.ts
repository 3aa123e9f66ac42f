/**
 * Whatever repositories share, and whatever is purged: what goes, what stays and how many bytes that frees is what a model says
 * that takes the words literally; and it is what the dry run and the own bytes had said.
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Contents } from '../../src/admin/contents.ts'
import { Purge } from '../../src/admin/purge.ts'
import type { PurgeRequest } from '../../src/admin/purge-select.ts'
import { Sharing } from '../../src/admin/sharing.ts'
import { silentLogger } from '../../src/observe/log.ts'
import { type Digest, digestOf } from '../../src/protocol/digest.ts'
import type { Reference, RepositoryName, Tag } from '../../src/protocol/name.ts'
import { imageOf, indexOf, Workbench } from '../keep/workbench.ts'
import fc from '../support/fast-check.ts'

const RUNS = Number(process.env.ENTREPOT_MODEL_RUNS ?? 25)

const MIRRORED = ['m/a', 'm/b'] as const
const LOCAL = 'team/app'
const TAGS = ['one', 'two', 'three'] as const

const CONFIG = Buffer.from('{}')
/** Each of another size, so that a sum tells what is in it. */
const LAYERS = Array.from({ length: 5 }, (_, i) => Buffer.alloc(1000 * 2 ** i, `layer ${i}`))
const IMAGES = [[0], [0, 1], [1, 2], [2, 3, 4], [3]].map((layers) => {
  const blobs = [CONFIG, ...layers.map((i) => LAYERS[i] as Buffer)]
  return { bytes: imageOf(blobs), blobs }
})
const INDEXES = [
  [0, 1],
  [1, 2],
  [3, 4, 0],
].map((images) => ({ bytes: indexOf(images.map((i) => (IMAGES[i] as { bytes: Buffer }).bytes)), images }))

/** What is put into a repository: tags by number of the manifest that they point at, images before indexes. */
const repository = fc.record({
  images: fc.uniqueArray(fc.nat(IMAGES.length - 1), { maxLength: 4 }),
  indexes: fc.uniqueArray(fc.nat(INDEXES.length - 1), { maxLength: 2 }),
  tags: fc.array(fc.nat(20), { maxLength: TAGS.length }),
  /** A tag, a manifest by number, or nothing. */
  pin: fc.option(fc.oneof(fc.constantFrom(...TAGS), fc.nat(20)), { nil: undefined }),
})

const selector = fc.oneof(
  fc.record({ kind: fc.constant('tag' as const), which: fc.nat(20) }),
  fc.record({ kind: fc.constant('manifest' as const), which: fc.nat(20) }),
  fc.record({ kind: fc.constantFrom('repository' as const, 'all' as const), which: fc.constant(0) }),
)

/** A repository of the model: what each thing needs, under its digest or `tag:` and its name. */
class Shelf {
  readonly needs = new Map<string, readonly Digest[]>()
  readonly sizes = new Map<Digest, number>()
  pin: Reference | undefined

  tags(): string[] {
    return [...this.needs.keys()].filter((key) => key.startsWith('tag:'))
  }

  manifests(): Digest[] {
    return [...this.needs].flatMap(([key, needs]) =>
      !key.startsWith('tag:') && needs.length > 0 ? [key as Digest] : [],
    )
  }

  /** A thing and everything it needs, as far as it is here. */
  closure(key: string): Set<string> {
    const found = new Set<string>()
    const add = (each: string): void => {
      if (found.has(each) || !this.needs.has(each)) return
      found.add(each)
      for (const needed of this.needs.get(each) ?? []) add(needed)
    }
    add(key)
    return found
  }

  pinned(): Set<string> {
    if (this.pin === undefined) return new Set()
    return this.closure(this.pin.kind === 'tag' ? `tag:${this.pin.tag}` : this.pin.digest)
  }

  /** What goes: all that is meant, but for what something else needs that does not go. */
  goingWith(named: string): Set<string> {
    const going = this.closure(named)
    const pinnedByOther = this.pin?.kind === 'digest' && this.pin.digest !== named ? this.pin.digest : ''
    if (!named.startsWith('tag:'))
      for (const tag of this.tags()) if (this.needs.get(tag)?.[0] === named) going.add(tag)
    for (let isStable = false; !isStable; ) {
      isStable = true
      for (const each of going) {
        if (each === named || (each.startsWith('tag:') && going.has(each) && !named.startsWith('tag:')))
          continue
        const isNeeded = [...this.needs].some(
          ([key, needs]) => !going.has(key) && needs.includes(each as Digest),
        )
        if (!isNeeded && each !== pinnedByOther) continue
        going.delete(each)
        isStable = false
      }
    }
    return going
  }

  goingWhole(): Set<string> {
    const pinned = this.pinned()
    return new Set([...this.needs.keys()].filter((key) => !pinned.has(key)))
  }

  drop(going: ReadonlySet<string>): void {
    for (const key of going) this.needs.delete(key)
  }
}

type Shelves = ReadonlyMap<string, Shelf>

/** Bytes that go when these go from these repositories. */
const freedBy = (shelves: Shelves, goingByName: ReadonlyMap<string, ReadonlySet<string>>): number => {
  const left = new Set<string>()
  const gone = new Map<string, number>()
  for (const [name, { needs, sizes }] of shelves)
    for (const key of needs.keys())
      if (goingByName.get(name)?.has(key) === true) gone.set(key, sizes.get(key as Digest) ?? 0)
      else left.add(key)
  return [...gone].reduce((sum, [key, bytes]) => sum + (left.has(key) ? 0 : bytes), 0)
}

/** Fills a repository, here and in the model. */
const fill = async (
  bench: Workbench,
  name: string,
  { images, indexes, tags, pin }: typeof repository extends fc.Arbitrary<infer T> ? T : never,
): Promise<Shelf> => {
  const shelf = new Shelf()
  const isLocal = name === LOCAL
  const put = (digest: Digest, needs: readonly Digest[], bytes: Buffer): void => {
    shelf.needs.set(digest, needs)
    shelf.sizes.set(digest, bytes.length)
  }
  const all = [...new Set([...images, ...indexes.flatMap((i) => INDEXES[i]?.images ?? [])])]
  for (const { bytes, blobs } of all.map((i) => IMAGES[i] as (typeof IMAGES)[number])) {
    for (const blob of blobs) {
      if (isLocal) await bench.pushBlob(name, blob)
      else await bench.mirrorBlob(name, blob)
      put(digestOf(blob), [], blob)
    }
    if (isLocal) await bench.pushManifest(name, bytes)
    else await bench.mirrorManifest(name, bytes)
    put(
      digestOf(bytes),
      blobs.map((blob) => digestOf(blob)),
      bytes,
    )
  }
  for (const { bytes, images: children } of indexes.map((i) => INDEXES[i] as (typeof INDEXES)[number])) {
    if (isLocal) await bench.pushManifest(name, bytes)
    else await bench.mirrorManifest(name, bytes)
    put(
      digestOf(bytes),
      children.map((i) => digestOf((IMAGES[i] as { bytes: Buffer }).bytes)),
      bytes,
    )
  }
  const manifests = shelf.manifests()
  if (manifests.length === 0) return shelf
  for (const [i, which] of tags.entries()) {
    const target = manifests[which % manifests.length] as Digest
    const tag = TAGS[i] as Tag & (typeof TAGS)[number]
    await bench.store.links.writeTag(name as RepositoryName, tag, target)
    shelf.needs.set(`tag:${tag}`, [target])
  }
  if (pin === undefined || isLocal) return shelf
  const digest = typeof pin === 'number' ? (manifests[pin % manifests.length] as Digest) : undefined
  shelf.pin = digest === undefined ? { kind: 'tag', tag: pin as Tag } : { kind: 'digest', digest }
  await bench.store.pins.add(name as RepositoryName, shelf.pin)
  return shelf
}

const partsOf = (bench: Workbench) => ({
  ...bench.store,
  coordinator: bench.coordinator,
  repositories: bench.repositories,
  owner: { isAlone: async () => true },
  log: silentLogger,
  now: bench.now,
})

/** What the own bytes of everything in a repository are said to be. */
const readOwnBytes = async (bench: Workbench, name: string): Promise<Map<string, number>> => {
  const parts = partsOf(bench)
  const sharing = new Sharing(parts, bench.now)
  const contents = new Contents({ ...parts, sharing, freshness: () => 0 })
  const signal = new AbortController().signal
  const { tags, manifests } = await contents.describe(name as RepositoryName, {
    limit: 100,
    after: undefined,
    signal,
  })
  sharing.doubt()
  return new Map([
    ...tags.map(({ tag, ownBytes }) => [`tag:${tag}`, ownBytes] as const),
    ...manifests.map(({ digest, ownBytes }) => [digest, ownBytes] as const),
  ])
}

/** The request for a thing of the model. */
const requestFor = (name: string, key: string): PurgeRequest => ({
  repository: name as RepositoryName,
  reference: key.startsWith('tag:')
    ? { kind: 'tag', tag: key.slice('tag:'.length) as Tag }
    : { kind: 'digest', digest: key as Digest },
  isDryRun: false,
})

it('a purge takes and frees what a model says, in any store', async () => {
  await fc.assert(
    fc.asyncProperty(repository, repository, repository, selector, async (a, b, local, { kind, which }) => {
      const bench = await Workbench.open({ local: [LOCAL] })
      try {
        const shelves = new Map<string, Shelf>()
        for (const [name, content] of [
          [MIRRORED[0], a],
          [MIRRORED[1], b],
          [LOCAL, local],
        ] as const)
          shelves.set(name, await fill(bench, name, content))
        const [name] = MIRRORED
        const shelf = shelves.get(name) as Shelf
        if (shelf.manifests().length === 0) return
        const own = await readOwnBytes(bench, name)
        for (const key of [...shelf.tags(), ...shelf.manifests()])
          assert.equal(
            own.get(key),
            freedBy(shelves, new Map([[name, shelf.goingWith(key)]])),
            `own bytes of ${key}`,
          )

        const choices = kind === 'tag' ? shelf.tags() : shelf.manifests()
        const key = choices[which % Math.max(1, choices.length)]
        if (kind === 'tag' && key === undefined) return
        const going = new Map<string, ReadonlySet<string>>()
        if (kind === 'all')
          for (const each of MIRRORED) going.set(each, (shelves.get(each) as Shelf).goingWhole())
        else if (kind === 'repository') going.set(name, shelf.goingWhole())
        else going.set(name, shelf.goingWith(key as string))
        const request: PurgeRequest =
          kind === 'all'
            ? { isDryRun: false }
            : kind === 'repository'
              ? { repository: name as RepositoryName, isDryRun: false }
              : requestFor(name, key as string)

        const purge = new Purge(partsOf(bench))
        const dry = await purge.run({ ...request, isDryRun: true })
        const before = await bench.listBytes()
        const done = await purge.run(request)
        assert.deepEqual({ ...dry, isDryRun: false }, done)
        assert.equal(done.bytes, freedBy(shelves, going))
        const count = (of: (each: string) => boolean): number =>
          [...going.values()].reduce((sum, each) => sum + [...each].filter(of).length, 0)
        assert.equal(
          done.tags,
          count((each) => each.startsWith('tag:')),
        )
        for (const [each, what] of going) shelves.get(each)?.drop(what)

        const left = new Set([...shelves.values()].flatMap(({ needs }) => [...needs.keys()]))
        assert.deepEqual(
          await bench.listBytes(),
          before.filter((digest) => left.has(digest)),
        )
        for (const [each, { needs }] of shelves) {
          const links = bench.store.links
          const linked = [
            ...(await links.listTags(each as RepositoryName)).map((tag) => `tag:${tag}`),
            ...(await links.listManifests(each as RepositoryName)),
            ...(await links.listBlobs(each as RepositoryName)),
          ]
          assert.deepEqual(linked.sort(), [...needs.keys()].sort(), each)
        }
      } finally {
        await bench.close()
      }
    }),
    { numRuns: RUNS, includeErrorInReport: true },
  )
})

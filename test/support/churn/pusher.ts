/** One who pushes, moves tags, deletes, and pushes the same again: in a repository of his own, and in one for all. */
import { bytesOf } from '../../http/pusher.ts'
import { seededBytes } from '../bytes.ts'
import { makeImage, makeIndex, type TestImage, type TestManifest } from '../images.ts'
import { BlobCarrier } from './blobs.ts'
import type { Chance } from './chance.ts'
import type { Entry, Ledger, TagEntry } from './ledger.ts'
import type { Ask } from './wire.ts'

const SHARED = 'churn/shared'
const TAGS = ['latest', 'stable', 'next']
/** Part of the time for which a blob is kept without a name, after which a push may have been too slow. */
const LATE_SHARE = 0.8

/** Layers that all images share, small ones and some of a hundred KiB. */
const LAYERS = Array.from({ length: 24 }, (_, i) => seededBytes(200 + 12 * i ** 3, `shared layer ${i}`))

/** Pushes and deletes. */
export class ChurnPusher {
  readonly #id: number
  readonly #ask: Ask
  readonly #ledger: Ledger
  readonly #chance: Chance
  readonly #graceMs: number
  readonly #blobs: BlobCarrier
  readonly #images = new Map<Entry, TestImage>()
  #serial = 0
  #acknowledged = 0

  constructor(id: number, ask: Ask, ledger: Ledger, chance: Chance, graceMs: number) {
    this.#id = id
    this.#ask = ask
    this.#ledger = ledger
    this.#chance = chance
    this.#graceMs = graceMs
    this.#blobs = new BlobCarrier(ask, ledger, chance)
  }

  /** Pushes of manifests that were acknowledged. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  /** Does one thing. */
  async step(): Promise<void> {
    const mine = this.#mine()
    const dice = this.#chance.below(100)
    if (mine.length < 3 || dice < 40) await this.#pushImage(this.#name(), this.#tagOrNone())
    else if (dice < 50) await this.#pushIndex(this.#name())
    else if (dice < 60) await this.#moveTag()
    else if (dice < 67) await this.#deleteTag()
    else if (dice < 82) await this.#delete(this.#chance.of(mine))
    else if (dice < 92) await this.#deleteAndPushAgain(this.#chance.of(mine))
    else if (dice < 96) await this.#deleteBlob()
    else await this.#blobs.abandon(this.#own, this.#chance.of(LAYERS))
  }

  get #own(): string {
    return `churn/own-${this.#id}`
  }

  #name(): string {
    return this.#chance.is(30) ? SHARED : this.#own
  }

  #tagOrNone(): string | undefined {
    return this.#chance.is(70) ? this.#chance.of(TAGS) : undefined
  }

  /** What is there of what was pushed by this one, and no index names. */
  #mine(): Entry[] {
    const indexed = new Set([...this.#images.keys()].flatMap((each) => (each.isThere ? each.children : [])))
    return [...this.#images.keys()].filter((each) => each.isThere && !indexed.has(each.manifest.digest))
  }

  async #pushImage(name: string, tag?: string): Promise<Entry> {
    this.#serial += 1
    const layers = new Set(Array.from({ length: 1 + this.#chance.below(3) }, () => this.#chance.of(LAYERS)))
    const image = makeImage({ seed: `${this.#id}/${this.#serial}`, layers: [...layers] })
    const entry = this.#ledger.image(name, image)
    this.#images.set(entry, image)
    await this.#push(entry, tag)
    return entry
  }

  async #pushIndex(name: string): Promise<void> {
    const children = [await this.#pushImage(name), await this.#pushImage(name)]
    if (!children.every(({ isThere }) => isThere)) return
    const images = children.map((child) => this.#images.get(child)!)
    const manifest = makeIndex(images.map((image) => ({ image, os: 'linux', architecture: 'amd64' })))
    const entry = this.#ledger.index(name, manifest, children)
    this.#images.set(entry, images[0]!)
    await this.#putManifest(entry, this.#tagOrNone(), performance.now())
  }

  async #push(entry: Entry, tag?: string): Promise<void> {
    const image = this.#images.get(entry)
    if (image === undefined || entry.blobs.length === 0) return
    const startedAtMs = performance.now()
    for (const blob of [image.config, ...image.layers])
      await this.#blobs.bring(entry.name, blob.digest, await bytesOf(blob))
    await this.#putManifest(entry, tag, startedAtMs)
  }

  async #putManifest(entry: Entry, tag: string | undefined, startedAtMs: number): Promise<void> {
    const moved = tag === undefined ? undefined : this.#ledger.tag(entry.name, this.#ownTag(tag))
    const { digest, mediaType, bytes }: TestManifest = entry.manifest
    const path = `/v2/${entry.name}/manifests/${moved?.tag ?? digest}`
    if (moved !== undefined) begin(moved)
    const { status, body } = await this.#ask('PUT', path, { 'content-type': mediaType }, bytes)
    if (moved !== undefined) end(moved, status === 201 ? entry : moved.target)
    if (status === 201) {
      entry.isThere = true
      this.#acknowledged += 1
      return
    }
    const isLate = performance.now() - startedAtMs > this.#graceMs * LATE_SHARE
    if (!isLate || !body.includes('MANIFEST_BLOB_UNKNOWN'))
      this.#ledger.fail(`PUT ${path}: ${status} ${body}`)
  }

  async #moveTag(): Promise<void> {
    const entry = this.#chance.of(this.#mine())
    await this.#putManifest(entry, this.#chance.of(TAGS), performance.now())
  }

  async #deleteTag(): Promise<void> {
    const tags = this.#ledger.tags().filter((each) => each.target !== undefined && this.#isMine(each))
    if (tags.length === 0) return
    const tag = this.#chance.of(tags)
    begin(tag)
    const { status } = await this.#ask('DELETE', `/v2/${tag.name}/manifests/${tag.tag}`)
    if (status !== 202) this.#ledger.fail(`DELETE of tag ${tag.name}:${tag.tag}: ${status}`)
    end(tag, undefined)
  }

  async #delete(entry: Entry): Promise<void> {
    const tags = this.#ledger.tags().filter(({ target }) => target === entry)
    for (const tag of tags) begin(tag)
    entry.changes += 1
    entry.isThere = false
    const path = `/v2/${entry.name}/manifests/${entry.manifest.digest}`
    const { status } = await this.#ask('DELETE', path)
    if (status !== 202) this.#ledger.fail(`DELETE ${path}: ${status}`)
    for (const tag of tags) end(tag, undefined)
    const after = await this.#ask('GET', path)
    if (after.status !== 404) this.#ledger.fail(`GET ${path} after its DELETE: ${after.status}`)
  }

  async #deleteAndPushAgain(entry: Entry): Promise<void> {
    await this.#delete(entry)
    if (entry.blobs.length > 0 && this.#chance.is(50)) await this.#deleteBlob()
    if (entry.children.length === 0) await this.#push(entry, this.#tagOrNone())
  }

  /** A blob that nothing names any more in the repository that is this one's alone. */
  async #deleteBlob(): Promise<void> {
    const all = [...this.#images.keys()].filter(({ name }) => name === this.#own)
    const named = new Set(all.filter(({ isThere }) => isThere).flatMap(({ blobs }) => blobs))
    const unnamed = all.flatMap(({ blobs }) => blobs).filter((digest) => !named.has(digest))
    if (unnamed.length === 0) return
    const path = `/v2/${this.#own}/blobs/${this.#chance.of(unnamed)}`
    const { status } = await this.#ask('DELETE', path)
    if (status !== 202 && status !== 404) this.#ledger.fail(`DELETE ${path}: ${status}`)
    const after = await this.#ask('HEAD', path)
    if (after.status !== 404) this.#ledger.fail(`HEAD ${path} after its DELETE: ${after.status}`)
  }

  /** Nobody else moves the tags of this one. */
  #ownTag(tag: string): string {
    return `${tag}-${this.#id}`
  }

  #isMine({ tag }: TagEntry): boolean {
    return tag.endsWith(`-${this.#id}`)
  }
}

const begin = (tag: TagEntry): void => {
  tag.changes += 1
  tag.isMoving = true
}

const end = (tag: TagEntry, target: Entry | undefined): void => {
  tag.target = target
  tag.isMoving = false
}

/**
 * A store with everything that fills and empties it, without HTTP: pushes, deletes, mirrored content from an upstream that
 * is not asked, and what keeps the store in order, on a clock that a test moves.
 */
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { MemoryCoordinator } from '../../src/coordinator/coordinator.ts'
import { Collector, type CollectRequest } from '../../src/keep/collect.ts'
import { Evictor } from '../../src/keep/evict.ts'
import { Expiry } from '../../src/keep/expire.ts'
import { silentLogger } from '../../src/observe/log.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { algorithmOf, type Digest, digestOf } from '../../src/protocol/digest.ts'
import { parseReference, parseRepositoryName, type RepositoryName } from '../../src/protocol/name.ts'
import { MirrorStore } from '../../src/pull/mirror-store.ts'
import { Claims } from '../../src/push/claim.ts'
import { Deletes } from '../../src/push/delete.ts'
import { ManifestPush } from '../../src/push/manifest.ts'
import { Mounts } from '../../src/push/mount.ts'
import { Uploads } from '../../src/push/upload.ts'
import { type Origin, Repositories, type Repository } from '../../src/repository.ts'
import { UPLOADS_FOLDER } from '../../src/store/paths.ts'
import { UploadStore } from '../../src/store/uploads.ts'
import type { Upstream, UpstreamHealth } from '../../src/upstream/upstream.ts'
import { createStore, type StoreTools } from '../../src/wiring/store.ts'
import { makeManifest } from '../support/images.ts'
import { makeQuickFolder } from '../support/quick-folder.ts'

const OCI = 'application/vnd.oci.image.manifest.v1+json'
const INDEX = 'application/vnd.oci.image.index.v1+json'

/** A mirrored repository of the upstream `hub`. */
export type Mirrored = Extract<Repository, { origin: Origin }>

/** An upstream that is asked nothing; whether it is well is for the test to say. */
export class SilentUpstream implements Upstream {
  readonly name: string
  readonly host: string
  readonly hasCredentials = false
  isReachable: boolean | undefined = true

  constructor(name: string) {
    this.name = name
    this.host = `${name}.example`
  }

  health(): UpstreamHealth {
    return {
      isReachable: this.isReachable,
      refusedCredentials: undefined,
      lastError: undefined,
      lastErrorAtMs: undefined,
      limitedUntilMs: undefined,
      rateLimit: undefined,
    }
  }

  async close(): Promise<void> {}

  resolve = this.#refuse
  manifest = this.#refuse
  blob = this.#refuse
  tags = this.#refuse
  referrers = this.#refuse
  isPublic = this.#refuse

  /** It has everything that somebody says that it has. */
  async stat(): Promise<{ sizeBytes: undefined }> {
    return { sizeBytes: undefined }
  }

  #refuse(): Promise<never> {
    return Promise.reject(new Error('nobody may be asked here'))
  }
}

/** How to set one up. */
export interface WorkbenchOptions {
  readonly root?: string
  readonly keepUnnamedMs?: number
  readonly ttlMs?: number
  /** Names that are local whatever happens. */
  readonly local?: readonly string[]
  readonly hasUpstream?: boolean
  /** Stands before the storage driver: one that fails. */
  readonly wrapDriver?: StoreTools['wrapDriver']
}

/** See the top of this file. */
export class Workbench {
  readonly root: string
  /** Milliseconds that the clock is ahead of the machine's. */
  aheadMs = 0
  /** Other processes on the volume, for whoever asks whether we are alone. */
  isAlone = true
  readonly hub = new SilentUpstream('hub')
  readonly other = new SilentUpstream('other')
  readonly now = (): number => Date.now() + this.aheadMs
  readonly metrics = createMetrics()
  readonly coordinator = new MemoryCoordinator(this.now)
  readonly store
  readonly uploads
  readonly mounts
  readonly manifestPush
  readonly deletes
  readonly mirror
  readonly repositories
  readonly collector
  readonly evictor
  readonly expiry
  #serial = 0

  private constructor(root: string, options: WorkbenchOptions) {
    const { now, coordinator } = this
    const log = silentLogger
    this.root = root
    this.store = createStore(root, log, {
      now,
      ...(options.wrapDriver && { wrapDriver: options.wrapDriver }),
    })
    const entry = {
      upstream: this.hub,
      hosts: [this.hub.host],
      isDefault: true,
      prefix: 'hub',
      isDockerHub: false,
      allow: [],
      deny: [],
    }
    const other = {
      ...entry,
      upstream: this.other,
      hosts: [this.other.host],
      isDefault: false,
      prefix: 'other',
    }
    this.repositories = new Repositories({
      ...this.store,
      upstreams: options.hasUpstream === false ? [] : [entry, other],
      ownHosts: [],
      local: options.local ?? [],
      adopted: new Set(),
    })
    const parts = { ...this.store, coordinator, log, now, repositories: this.repositories }
    const uploadStore = new UploadStore(join(root, UPLOADS_FOLDER), this.store.owner)
    const claims = new Claims({ ...parts, uploads: uploadStore, isPushOn: true })
    const isImmutable = () => false
    const validation = { isDisabled: false, allowUrls: [], denyUrls: [], platforms: 'all' } as const
    this.uploads = new Uploads({ ...parts, store: uploadStore, claims })
    this.mounts = new Mounts({ ...parts, claims })
    this.manifestPush = new ManifestPush({ ...parts, claims, validation, isImmutable })
    this.deletes = new Deletes({ ...parts, isEnabled: true, isImmutable })
    this.mirror = new MirrorStore(parts)
    const keep = { ...parts, owner: { isAlone: async () => this.isAlone }, metrics: this.metrics }
    this.evictor = new Evictor(keep)
    this.expiry = new Expiry({ ...keep, ttlMs: options.ttlMs ?? 168 * 3_600_000 })
    this.collector = new Collector({
      ...keep,
      keepUnnamedMs: options.keepUnnamedMs ?? 6 * 3_600_000,
    })
  }

  /** Sets one up; whoever does {@link close}s it. */
  static async open(options: WorkbenchOptions = {}): Promise<Workbench> {
    const workbench = new Workbench(options.root ?? (await makeQuickFolder()), options)
    await workbench.store.owner.start()
    return workbench
  }

  async close(): Promise<void> {
    await this.mirror.settle()
    await this.store.uses.stop()
    await this.store.owner.stop()
    await rm(this.root, { recursive: true })
  }

  local(name: string): Repository {
    return { kind: 'local', name: parseRepositoryName(name), origin: undefined }
  }

  mirrored(name: string, upstream = this.hub): Mirrored {
    const parsed = parseRepositoryName(name)
    return { kind: 'mirrored', name: parsed, origin: { upstream, name: parsed } }
  }

  /** Pushes a blob, as one request. */
  async pushBlob(name: string, bytes: Buffer, digest = digestOf(bytes)): Promise<Digest> {
    const chunk = { body: Readable.from(bytes.length === 0 ? [] : [bytes]), range: undefined }
    return (await this.uploads.put(this.local(name), chunk, digest)).digest
  }

  /** Pushes a manifest under a tag, or under its digest where none is given. */
  async pushManifest(name: string, bytes: Buffer, tag?: string): Promise<Digest> {
    const reference = parseReference(tag ?? digestOf(bytes))
    if (reference === undefined) throw new Error('no reference')
    const conditions = { ifMatch: '', ifNoneMatch: '' }
    const upload = { reference, tags: [], bytes, contentType: '', conditions }
    return (await this.manifestPush.put(this.local(name), upload)).digest
  }

  /** Pushes an image whose first blob is the config. */
  async pushImage(name: string, blobs: readonly Buffer[], tag?: string): Promise<Digest> {
    for (const bytes of blobs) await this.pushBlob(name, bytes)
    return this.pushManifest(name, imageOf(blobs), tag)
  }

  async mount(name: string, digest: Digest, from: string): Promise<boolean> {
    const find = async (other: string) => this.local(other)
    return (await this.mounts.mount(this.local(name), digest, from, find)) !== undefined
  }

  /** What a fetch from the upstream leaves. */
  async mirrorBlob(name: string, bytes: Buffer, upstream = this.hub): Promise<Digest> {
    this.#serial += 1
    const file = join(this.root, `fetched-${this.#serial}`)
    await writeFile(file, bytes)
    const digest = digestOf(bytes)
    const blob = { file, sizeBytes: bytes.length, stored: digest }
    await this.mirror.keepBlob(this.mirrored(name, upstream), digest, blob)
    return digest
  }

  async mirrorManifest(name: string, bytes: Buffer, tag?: string): Promise<Digest> {
    const digest = digestOf(bytes)
    const mediaType = (JSON.parse(bytes.toString()) as { mediaType: string }).mediaType
    const reference = tag === undefined ? undefined : parseReference(tag)
    const asked = reference?.kind === 'tag' ? reference.tag : undefined
    this.mirror.keepManifest(this.mirrored(name), { digest, mediaType, bytes }, asked)
    await this.mirror.settle()
    return digest
  }

  collect(request: CollectRequest = {}) {
    return this.collector.run(request)
  }

  /** Whether a client that asks the repository for a blob gets it. */
  async hasBlob(name: string, digest: Digest): Promise<boolean> {
    const stored = await this.store.links.findBlob(name as RepositoryName, digest)
    const blob = stored === undefined ? undefined : await this.store.blobs.open(stored)
    await blob?.close()
    return blob !== undefined
  }

  async hasManifest(name: string, digest: Digest): Promise<boolean> {
    return (await this.store.manifests.find(name as RepositoryName, digest)) !== undefined
  }

  /** All bytes that lie in the store, in order. */
  async listBytes(): Promise<Digest[]> {
    const found: Digest[] = []
    const folder = join(this.root, 'docker/registry/v2/blobs/sha256')
    for (const bucket of await readdir(folder).catch(() => []))
      for (const hex of await readdir(join(folder, bucket))) found.push(`sha256:${hex}` as Digest)
    return found.sort()
  }
}

const describeBlob = (bytes: Buffer, mediaType: string, digest = digestOf(bytes)) => ({
  mediaType,
  digest,
  size: bytes.length,
})

/** The manifest of an image whose first blob is the config. */
export const imageOf = (
  [config, ...layers]: readonly Buffer[],
  extra: Readonly<Record<string, unknown>> = {},
): Buffer => {
  if (config === undefined) throw new Error('an image has a config')
  return makeManifest({
    schemaVersion: 2,
    mediaType: OCI,
    config: describeBlob(config, 'application/vnd.oci.image.config.v1+json'),
    layers: layers.map((layer) => describeBlob(layer, 'application/vnd.oci.image.layer.v1.tar')),
    ...extra,
  }).bytes
}

/** An index of manifests. */
export const indexOf = (children: readonly Buffer[]): Buffer =>
  makeManifest({
    schemaVersion: 2,
    mediaType: INDEX,
    manifests: children.map((child) => describeBlob(child, OCI)),
  }).bytes

/** A descriptor of a manifest that others have as their subject. */
export const subjectOf = (manifest: Buffer) => ({ subject: describeBlob(manifest, OCI) })

/** Whether a digest is one of the store's own names. */
export const isStoredName = (digest: Digest): boolean => algorithmOf(digest) === 'sha256'

/**
 * Which manifests have which subject (distribution-spec 1.1, Listing Referrers). distribution's layout has no such lists,
 * so they lie beside it, one small file an entry, written before the manifest becomes visible. A fingerprint of all
 * manifests whose subject has been looked at tells whether others have come from elsewhere (an old volume, a time when
 * docker-registry had it): then all manifests of that repository are read once.
 */
import { Memory } from '../memory.ts'
import { type Digest, encodedOf } from '../protocol/digest.ts'
import { parseManifest } from '../protocol/manifest.ts'
import type { RepositoryName } from '../protocol/name.ts'
import { type Referrer, toReferrer } from '../protocol/referrers.ts'
import type { BlobStore } from './blobs.ts'
import type { StorageDriver } from './driver.ts'
import type { LinkStore } from './links.ts'
import { parseFileDigest, referrerKey, referrersFolder, referrersPrefix, referrersSeenKey } from './paths.ts'

/** Repositories whose fingerprint is kept in memory. */
const MAX_KNOWN = 50_000
/** Hex digits of a digest that go into the fingerprint. */
const FINGERPRINT_DIGITS = 16

/** Exclusive or of the beginnings of digests, which tells sets apart whatever their order, and how many there are. */
interface Seen {
  count: number
  bits: bigint
  /** Whether this process has compared it with what the repository holds. */
  isVerified: boolean
}

const bitsOf = (digest: Digest): bigint => BigInt(`0x${encodedOf(digest).slice(0, FINGERPRINT_DIGITS)}`)

const parseSeen = (text: string | undefined): Seen => {
  const [, count, bits] = /^(\d{1,15}) ([0-9a-f]{1,16})$/.exec(text ?? '') ?? ['', '0', '0']
  return { count: Number(count), bits: BigInt(`0x${bits}`), isVerified: false }
}

/** The entry for a manifest, and its subject; `undefined` where it has none, or is not to be understood. */
const readSubject = (bytes: Uint8Array, digest: Digest): { subject: Digest; entry: Referrer } | undefined => {
  try {
    const manifest = parseManifest(bytes)
    if (manifest.subject === undefined) return undefined
    return { subject: manifest.subject.digest, entry: toReferrer(manifest, digest, bytes.length) }
  } catch {
    return undefined
  }
}

/** The lists of referrers of all repositories. */
export class ReferrerStore {
  readonly #driver: StorageDriver
  readonly #blobs: BlobStore
  readonly #links: LinkStore
  readonly #seen = new Memory<RepositoryName, Seen>(MAX_KNOWN)
  readonly #scans = new Map<RepositoryName, Promise<void>>()

  constructor(driver: StorageDriver, blobs: BlobStore, links: LinkStore) {
    this.#driver = driver
    this.#blobs = blobs
    this.#links = links
  }

  /** Lists a manifest with its subject, if it has one. It may not be visible yet. Durable when it resolves. */
  async add(name: RepositoryName, digest: Digest, bytes: Uint8Array): Promise<void> {
    const found = readSubject(bytes, digest)
    if (found === undefined) return
    const key = referrerKey(name, found.subject, digest)
    const text = JSON.stringify(found.entry)
    if ((await this.#driver.read(key))?.toString() !== text) await this.#driver.write(key, text)
  }

  /** Takes a manifest off the list of its subject. */
  async remove(name: RepositoryName, digest: Digest, bytes: Uint8Array): Promise<void> {
    const found = readSubject(bytes, digest)
    if (found !== undefined) await this.#driver.remove(referrerKey(name, found.subject, digest))
  }

  /** A repository has no manifests any more: so it has no referrers. */
  async clear(name: RepositoryName): Promise<void> {
    this.#seen.delete(name)
    await this.#driver.removeLazily(referrersFolder(name))
    this.#seen.delete(name)
  }

  /** Manifests have become visible that were added before, or are visible no more. */
  async note(name: RepositoryName, change: 1 | -1, digests: readonly Digest[]): Promise<void> {
    if (digests.length === 0) return
    const seen = await this.#readSeen(name)
    seen.count += change * digests.length
    for (const digest of digests) seen.bits ^= bitsOf(digest)
    await this.#writeSeen(name, seen)
  }

  /**
   * The referrers of `subject` that the repository has, in the order of their digests.
   * @param after a digest: they begin strictly after it
   */
  async *walk(name: RepositoryName, subject: Digest, after?: string): AsyncGenerator<Referrer, void, void> {
    await this.#verify(name)
    const files = await this.#driver.list(referrersPrefix(name, subject), after?.replace(':', '-'))
    for (const digest of files.map(parseFileDigest)) {
      if (digest === undefined || (await this.#links.findManifest(name, digest)) === undefined) continue
      const entry = await this.#readEntry(referrerKey(name, subject, digest))
      if (entry?.digest === digest) yield entry
    }
  }

  async #readEntry(key: string): Promise<Referrer | undefined> {
    const bytes = await this.#driver.read(key)
    try {
      return bytes === undefined ? undefined : (JSON.parse(bytes.toString()) as Referrer)
    } catch {
      return undefined
    }
  }

  /** Makes sure, once a process, that every manifest of a repository has been looked at. */
  async #verify(name: RepositoryName): Promise<void> {
    if ((await this.#readSeen(name)).isVerified) return
    const scan = this.#scans.get(name) ?? this.#scan(name).finally(() => this.#scans.delete(name))
    this.#scans.set(name, scan)
    await scan
  }

  async #scan(name: RepositoryName): Promise<void> {
    const before = { ...(await this.#readSeen(name)) }
    const digests = await this.#links.listManifests(name)
    const bits = digests.reduce((sum, digest) => sum ^ bitsOf(digest), 0n)
    const isSame = before.count === digests.length && before.bits === bits
    if (!isSame) await this.#addAll(name, digests)
    const seen = await this.#readSeen(name)
    const isStill = seen.count === before.count && seen.bits === before.bits
    // Where something was pushed or deleted meanwhile the next one looks again.
    if (!isStill) return
    Object.assign(seen, { count: digests.length, bits, isVerified: true })
    if (!isSame) await this.#writeSeen(name, seen)
  }

  async #addAll(name: RepositoryName, digests: readonly Digest[]): Promise<void> {
    const others = digests.filter((digest) => !digest.startsWith('sha256:'))
    const stored = await Promise.all(others.map((digest) => this.#links.findManifest(name, digest)))
    // What was pushed by another name lies under its sha256 name as well, and is listed once.
    const isSecond = new Set(stored)
    for (const digest of digests) {
      if (isSecond.has(digest)) continue
      const place = await this.#links.findManifest(name, digest)
      const bytes = place === undefined ? undefined : await this.#blobs.read(place)
      if (bytes !== undefined) await this.add(name, digest, bytes)
    }
  }

  async #readSeen(name: RepositoryName): Promise<Seen> {
    const known = this.#seen.get(name)
    if (known !== undefined) return known
    const read = parseSeen((await this.#driver.read(referrersSeenKey(name)))?.toString())
    const seen = this.#seen.get(name) ?? read
    this.#seen.set(name, seen)
    return seen
  }

  async #writeSeen(name: RepositoryName, { count, bits }: Seen): Promise<void> {
    await this.#driver.writeLazily(referrersSeenKey(name), `${count} ${bits.toString(16)}`)
  }
}

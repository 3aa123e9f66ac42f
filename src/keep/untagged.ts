/**
 * Manifests that no tag reaches (`gc -m`, as distribution's `garbage-collect -m`). A tag reaches its manifest, the children
 * of an index, and the referrers of what is reached: signatures have no tag of their own and are not garbage.
 */
import type { Digest } from '../protocol/digest.ts'
import type { RepositoryName } from '../protocol/name.ts'
import { type NamedParts, placeOf, readManifest } from './named.ts'

interface Node {
  /** The digests under which the repository has it. */
  readonly names: Digest[]
  /** Other names of what it needs, or of what needs it. */
  readonly leadsTo: Digest[]
}

/** Manifests of one repository and how they hang together. */
class Graph {
  readonly #nodes = new Map<Digest, Node>()
  readonly #placeByName = new Map<Digest, Digest>()

  add(name: Digest, place: Digest): boolean {
    this.#placeByName.set(name, place)
    const node = this.#nodes.get(place)
    if (node === undefined) this.#nodes.set(place, { names: [name], leadsTo: [] })
    else node.names.push(name)
    return node === undefined
  }

  places(): Digest[] {
    return [...this.#nodes.keys()]
  }

  lead(from: Digest, to: readonly Digest[]): void {
    this.#find(from)?.leadsTo.push(...to)
  }

  /** All names of what cannot be reached from `roots`. */
  unreached(roots: readonly Digest[]): Digest[] {
    const waiting = [...roots]
    const reached = new Set<Node>()
    for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
      const node = this.#find(digest)
      if (node === undefined || reached.has(node)) continue
      reached.add(node)
      waiting.push(...node.leadsTo)
    }
    return [...this.#nodes.values()].flatMap((node) => (reached.has(node) ? [] : node.names))
  }

  #find(digest: Digest): Node | undefined {
    return this.#nodes.get(this.#placeByName.get(digest) ?? digest)
  }
}

/**
 * The manifests of a repository that no tag reaches, under all their names.
 * @param isYoung whether one came or was used so lately that its tag or index may still be under way
 * @returns `undefined` where one of them cannot be understood, so that nothing is known to be unneeded
 * @throws StorageError
 */
export const findUntagged = async (
  parts: NamedParts,
  name: RepositoryName,
  isYoung: (digest: Digest, stored: Digest) => Promise<boolean>,
): Promise<Digest[] | undefined> => {
  const { links } = parts
  const graph = new Graph()
  const roots: Digest[] = []
  for (const digest of await links.listManifests(name)) {
    const stored = await placeOf(links, name, digest)
    if (stored === undefined) continue
    graph.add(digest, stored)
    if (await isYoung(digest, stored)) roots.push(stored)
  }
  for (const place of graph.places()) {
    const manifest = await readManifest(parts, place)
    if (manifest === 'unclear') return undefined
    if (manifest === 'absent') continue
    if (manifest.kind === 'index')
      graph.lead(
        place,
        manifest.manifests.map(({ digest }) => digest),
      )
    if (manifest.subject !== undefined) graph.lead(manifest.subject.digest, [place])
  }
  for (const tag of await links.listTags(name)) {
    const digest = await links.readTag(name, tag)
    if (digest !== undefined) roots.push(digest)
  }
  return graph.unreached(roots)
}

/**
 * What one repository has and how it hangs together: tags → manifests → children and blobs. Content is known here by where
 * its bytes lie (its sha256 digest), whatever other names it has.
 */
import { mapInLanes } from '../lanes.ts'
import { algorithmOf, type Digest } from '../protocol/digest.ts'
import { blobsOf, type Manifest, type Platform, parseManifest } from '../protocol/manifest.ts'
import type { RepositoryName, Tag } from '../protocol/name.ts'
import type { BlobStore } from '../store/blobs.ts'
import type { LinkStore } from '../store/links.ts'

/** A descriptor of an index, as far as it is of use here. */
export interface Child {
  readonly digest: Digest
  readonly platform: Platform | undefined
}

/** A manifest of the repository. */
export interface ManifestNode {
  readonly stored: Digest
  /** The digests under which the repository has it. */
  readonly names: Digest[]
  /** Of its bytes, as far as they are stored: 0 where they are gone. */
  readonly sizeBytes: number
  readonly mediaType: string
  readonly isIndex: boolean
  readonly children: readonly Child[]
  /** Blobs that it names. */
  readonly blobs: readonly Digest[]
}

/** A blob of the repository. */
export interface BlobNode {
  readonly stored: Digest
  readonly names: Digest[]
  /** As far as its bytes are stored: 0 where they are gone (evicted, say). */
  readonly sizeBytes: number
}

/** What a repository has. */
export interface Graph {
  readonly name: RepositoryName
  /** What each tag points at, as it is written there; in byte order of the tags. */
  readonly tags: ReadonlyMap<Tag, Digest>
  readonly manifests: ReadonlyMap<Digest, ManifestNode>
  readonly blobs: ReadonlyMap<Digest, BlobNode>
  /** Where the bytes of a manifest of this name lie. */
  findManifest(digest: Digest): Digest
  /** Where the bytes of a blob of this name lie. */
  findBlob(digest: Digest): Digest
}

/** What is read from. */
export interface GraphParts {
  readonly blobs: Pick<BlobStore, 'read' | 'stat'>
  readonly links: LinkStore
}

const parse = (bytes: Buffer | undefined): Manifest | undefined => {
  if (bytes === undefined) return undefined
  try {
    return parseManifest(bytes)
  } catch {
    // What cannot be understood names nothing: what it may name is held by nobody else, and stays.
    return undefined
  }
}

const toNode = (stored: Digest, names: Digest[], bytes: Buffer | undefined): ManifestNode => {
  const manifest = parse(bytes)
  const isIndex = manifest?.kind === 'index'
  return {
    stored,
    names,
    sizeBytes: bytes?.length ?? 0,
    mediaType: manifest?.mediaType ?? '',
    isIndex,
    children: isIndex ? manifest.manifests.map(({ digest, platform }) => ({ digest, platform })) : [],
    blobs: manifest === undefined ? [] : blobsOf(manifest).map(({ digest }) => digest),
  }
}

/** Content by where its bytes lie, with its names; and where that is for those with another name. */
interface Listed {
  readonly namesByPlace: ReadonlyMap<Digest, Digest[]>
  findPlace(name: Digest): Digest
}

const list = async (
  names: readonly Digest[],
  find: (digest: Digest) => Promise<Digest | undefined>,
): Promise<Listed> => {
  const others = names.filter((name) => algorithmOf(name) !== 'sha256')
  const places = await mapInLanes(others, find)
  const findPlace = (name: Digest): Digest => places.get(name) ?? name
  const namesByPlace = new Map<Digest, Digest[]>()
  for (const name of names) {
    const place = findPlace(name)
    if (algorithmOf(place) !== 'sha256') continue
    const all = namesByPlace.get(place)
    if (all === undefined) namesByPlace.set(place, [name])
    else all.push(name)
  }
  return { namesByPlace, findPlace }
}

const listBoth = async (
  links: LinkStore,
  name: RepositoryName,
): Promise<[manifests: Listed, blobs: Listed]> => [
  await list(await links.listManifests(name), (digest) => links.findManifest(name, digest)),
  await list(await links.listBlobs(name), (digest) => links.findBlob(name, digest)),
]

/** Reads what a repository has. @throws StorageError, the signal's reason */
export const readGraph = async (
  { blobs: store, links }: GraphParts,
  name: RepositoryName,
  signal?: AbortSignal,
): Promise<Graph> => {
  const tags = await mapInLanes(await links.listTags(name), (tag) => links.readTag(name, tag))
  const [manifests, blobs] = await listBoth(links, name)
  return {
    name,
    tags,
    manifests: await mapInLanes([...manifests.namesByPlace.keys()], async (stored) => {
      signal?.throwIfAborted()
      return toNode(stored, manifests.namesByPlace.get(stored) ?? [], await store.read(stored))
    }),
    blobs: await mapInLanes([...blobs.namesByPlace.keys()], async (stored) => {
      signal?.throwIfAborted()
      const sizeBytes = (await store.stat(stored)) ?? 0
      return { stored, names: blobs.namesByPlace.get(stored) ?? [], sizeBytes }
    }),
    findManifest: manifests.findPlace,
    findBlob: blobs.findPlace,
  }
}

/** The same without what hangs on what, and without sizes: no manifest is read. @throws StorageError */
export const readNames = async (
  { links }: Pick<GraphParts, 'links'>,
  name: RepositoryName,
): Promise<Graph> => {
  const tags = await links.listTags(name)
  const [manifests, blobs] = await listBoth(links, name)
  return {
    name,
    // What they point at is of no interest to whoever wants names.
    tags: new Map(tags.map((tag) => [tag, '' as Digest])),
    manifests: new Map(
      [...manifests.namesByPlace].map(([stored, names]) => [stored, toNode(stored, names, undefined)]),
    ),
    blobs: new Map(
      [...blobs.namesByPlace].map(([stored, names]) => [stored, { stored, names, sizeBytes: 0 }]),
    ),
    findManifest: manifests.findPlace,
    findBlob: blobs.findPlace,
  }
}

/** Something of a repository: `t` a tag, `m` a manifest, `b` a blob, by where its bytes lie. */
export type Node = `t ${Tag}` | `m ${Digest}` | `b ${Digest}`

/** The node of a tag. */
export const tagNode = (tag: Tag): Node => `t ${tag}`
/** The node of a manifest. @param stored where its bytes lie */
export const manifestNode = (stored: Digest): Node => `m ${stored}`
/** The node of a blob. @param stored where its bytes lie */
export const blobNode = (stored: Digest): Node => `b ${stored}`

/** What a node needs, of what the repository has. */
export const neededBy = (graph: Graph, node: Node): Node[] => {
  const kind = node[0]
  const id = node.slice(2)
  if (kind === 'b') return []
  const manifest = (digest: Digest): Node[] => {
    const stored = graph.findManifest(digest)
    return graph.manifests.has(stored) ? [manifestNode(stored)] : []
  }
  if (kind === 't') {
    const target = graph.tags.get(id as Tag)
    return target === undefined ? [] : manifest(target)
  }
  const { children, blobs } = graph.manifests.get(id as Digest) ?? { children: [], blobs: [] }
  return [
    ...children.flatMap(({ digest }) => manifest(digest)),
    ...blobs.flatMap((digest) => {
      const stored = graph.findBlob(digest)
      return graph.blobs.has(stored) ? [blobNode(stored)] : []
    }),
  ]
}

/** Everything that a repository has. */
export const nodesOf = (graph: Graph): Node[] => [
  ...[...graph.tags.keys()].map(tagNode),
  ...[...graph.manifests.keys()].map(manifestNode),
  ...[...graph.blobs.keys()].map(blobNode),
]

/** What nothing else of the repository needs: tags, and what no tag and no manifest leads to. */
export const rootsOf = (graph: Graph): Node[] => {
  const nodes = nodesOf(graph)
  const needed = new Set(nodes.flatMap((node) => neededBy(graph, node)))
  return nodes.filter((node) => !needed.has(node))
}

/** What can be reached from `roots` without passing `avoided`. */
export const reach = (graph: Graph, roots: Iterable<Node>, avoided: ReadonlySet<Node>): Set<Node> => {
  const reached = new Set<Node>()
  const waiting = [...roots]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (reached.has(node) || avoided.has(node)) continue
    reached.add(node)
    waiting.push(...neededBy(graph, node))
  }
  return reached
}

/** What a purge takes from one repository, and what stays. Pure. */
import type { Digest } from '../protocol/digest.ts'
import type { Reference, Tag } from '../protocol/name.ts'
import { blobNode, type Graph, manifestNode, type Node, nodesOf, reach, rootsOf, tagNode } from './graph.ts'

/**
 * What is meant:
 * - `all`: everything
 * - `reference`: one tag, manifest or blob, pinned or not
 * - `unused`: manifests and blobs of which it is said so
 */
export type Selection =
  | { readonly kind: 'all' }
  | { readonly kind: 'reference'; readonly reference: Reference }
  | { readonly kind: 'unused'; readonly isUnused: (stored: Digest) => boolean }

/** What is taken, and what stays. */
export interface Plan {
  readonly tags: readonly Tag[]
  /** Manifests and blobs by where their bytes lie. */
  readonly manifests: readonly Digest[]
  readonly blobs: readonly Digest[]
  /** Bytes that the repository needs afterwards. */
  readonly staying: ReadonlySet<Digest>
}

/** The node that a reference stands for, where the repository has it. */
export const nodeOf = (graph: Graph, reference: Reference): Node | undefined => {
  if (reference.kind === 'tag') return graph.tags.has(reference.tag) ? tagNode(reference.tag) : undefined
  const manifest = graph.findManifest(reference.digest)
  if (graph.manifests.has(manifest)) return manifestNode(manifest)
  const blob = graph.findBlob(reference.digest)
  return graph.blobs.has(blob) ? blobNode(blob) : undefined
}

const tagsOf = (graph: Graph, isMeant: (stored: Digest) => boolean): Node[] =>
  [...graph.tags].flatMap(([tag, digest]) => (isMeant(graph.findManifest(digest)) ? [tagNode(tag)] : []))

/** A reference and, where it is a manifest, the tags that point at it. */
const named = (graph: Graph, reference: Reference): Set<Node> => {
  const node = nodeOf(graph, reference)
  if (node === undefined) return new Set()
  return new Set([node, ...tagsOf(graph, (stored) => manifestNode(stored) === node)])
}

const storedOf = (node: Node): Digest => node.slice(2) as Digest

/** What stays, by node. */
const staying = (graph: Graph, selection: Selection, pins: readonly Reference[]): Set<Node> => {
  const pinned = pins.flatMap((pin) => nodeOf(graph, pin) ?? [])
  switch (selection.kind) {
    case 'all':
      return reach(graph, pinned, new Set())
    case 'reference': {
      const avoided = named(graph, selection.reference)
      return reach(graph, [...rootsOf(graph), ...pinned], avoided)
    }
    case 'unused': {
      const kept = reach(graph, pinned, new Set())
      const content = nodesOf(graph).filter((node) => node[0] !== 't')
      const avoided = new Set(content.filter((node) => !kept.has(node) && selection.isUnused(storedOf(node))))
      for (const tag of tagsOf(graph, (stored) => avoided.has(manifestNode(stored)))) avoided.add(tag)
      // What is used stays though what led to it goes: it was asked for by its own name.
      const used = content.filter((node) => node[0] === 'm')
      return reach(graph, [...rootsOf(graph), ...used, ...kept], avoided)
    }
  }
}

/** Plans a purge. @param pins what stays unless it is named itself */
export const planPurge = (graph: Graph, selection: Selection, pins: readonly Reference[]): Plan => {
  const kept = staying(graph, selection, pins)
  const going = nodesOf(graph).filter((node) => !kept.has(node))
  const of = (kind: string): Digest[] => going.filter((node) => node[0] === kind).map(storedOf)
  return {
    tags: going.filter((node) => node[0] === 't').map((node) => node.slice(2) as Tag),
    manifests: of('m'),
    blobs: of('b'),
    staying: new Set([...kept].filter((node) => node[0] !== 't').map(storedOf)),
  }
}

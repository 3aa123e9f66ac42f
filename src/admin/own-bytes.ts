/**
 * How many bytes go with each thing of a repository: those of everything that cannot be reached but through it (it
 * *dominates* them), as far as no other repository needs them. Worked out for all at once, in one pass from what is needed
 * by nothing to what needs nothing: the nearest thing through which all ways lead is where the ways of all that need it meet.
 */
import type { Digest } from '../protocol/digest.ts'
import { type Graph, type Node, neededBy, nodesOf, rootsOf } from './graph.ts'

interface Place {
  /** The nearest node through which every way leads; `undefined`: there are several ways, or it is a root. */
  readonly through: Node | undefined
  readonly depth: number
}

/** Every node after all that need it. */
const inOrder = (graph: Graph, roots: readonly Node[]): Node[] => {
  const done: Node[] = []
  const seen = new Set<Node>()
  // A stack of its own: an index may nest as deep as it likes.
  for (const root of roots) {
    const stack: { node: Node; rest: Node[] }[] = []
    const enter = (node: Node): void => {
      if (seen.has(node)) return
      seen.add(node)
      stack.push({ node, rest: neededBy(graph, node) })
    }
    enter(root)
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.rest.pop()
      if (next !== undefined) enter(next)
      else {
        done.push(top.node)
        stack.pop()
      }
    }
  }
  return done.reverse()
}

/** Where the ways to two nodes meet. */
const meet = (
  places: ReadonlyMap<Node, Place>,
  a: Node | undefined,
  b: Node | undefined,
): Node | undefined => {
  let [left, right] = [a, b]
  while (left !== right) {
    if (left === undefined || right === undefined) return undefined
    const [leftPlace, rightPlace] = [places.get(left), places.get(right)]
    if ((leftPlace?.depth ?? 0) >= (rightPlace?.depth ?? 0)) left = leftPlace?.through
    else right = rightPlace?.through
  }
  return left
}

/** Bytes of what a node is itself, where the repository has them for itself alone. */
const bytesOf = (graph: Graph, node: Node, isShared: (stored: Digest) => boolean): number => {
  const stored = node.slice(2) as Digest
  if (node[0] === 't' || isShared(stored)) return 0
  if (node[0] === 'm') return graph.blobs.has(stored) ? 0 : (graph.manifests.get(stored)?.sizeBytes ?? 0)
  return graph.manifests.has(stored) ? 0 : (graph.blobs.get(stored)?.sizeBytes ?? 0)
}

/**
 * Bytes that go with each node when it alone goes.
 * @param isShared whether something else needs these bytes: another repository, or a pin
 * @param held nodes that stay in any case unless they are named themselves: what is pinned by digest
 */
export const ownBytesOf = (
  graph: Graph,
  isShared: (stored: Digest) => boolean,
  held: ReadonlySet<Node> = new Set(),
): Map<Node, number> => {
  const order = inOrder(graph, [...rootsOf(graph), ...nodesOf(graph)])
  const places = new Map<Node, Place>()
  const ways = new Map<Node, Node | undefined>()
  for (const node of order) {
    const through = held.has(node) ? undefined : ways.get(node)
    places.set(node, { through, depth: through === undefined ? 0 : (places.get(through)?.depth ?? 0) + 1 })
    for (const needed of neededBy(graph, node))
      ways.set(needed, ways.has(needed) ? meet(places, ways.get(needed), node) : node)
  }
  const own = new Map<Node, number>()
  for (const node of order.reverse()) {
    const bytes = (own.get(node) ?? 0) + bytesOf(graph, node, isShared)
    own.set(node, bytes)
    const through = places.get(node)?.through
    if (through !== undefined) own.set(through, (own.get(through) ?? 0) + bytes)
  }
  return own
}

/** Old spellings of distribution's keys → today's, where today's is not written (protocol.md §8.3). */
import { isTreeMap, Scalar, type Tree, type TreeMap } from './tree.ts'

const sectionOf = (tree: Tree | undefined): TreeMap => (isTreeMap(tree) ? tree : {})

const isWritten = (node: Tree | undefined): node is Tree => node !== undefined && node !== null

const negate = (node: Tree): Tree => {
  const value = node instanceof Scalar ? node.value : node
  return typeof value === 'boolean' ? new Scalar(!value, String(!value)) : node
}

const put = (
  tree: TreeMap,
  section: string,
  key: string,
  old: Tree | undefined,
  translate: (node: Tree) => Tree = (node) => node,
): TreeMap => {
  const written = sectionOf(tree[section])
  if (!isWritten(old) || isWritten(written[key])) return tree
  return { ...tree, [section]: { ...written, [key]: translate(old) } }
}

/** The tree with `loglevel`, `validation.enabled` and `storage.cache.layerinfo` under today's names as well. */
export const modernize = (tree: TreeMap): TreeMap => {
  const storage = sectionOf(tree.storage)
  const storageNow = put(storage, 'cache', 'blobdescriptor', sectionOf(storage.cache).layerinfo)
  const withStorage = storageNow === storage ? tree : { ...tree, storage: storageNow }
  const withLevel = put(withStorage, 'log', 'level', tree.loglevel)
  return put(withLevel, 'validation', 'disabled', sectionOf(tree.validation).enabled, negate)
}

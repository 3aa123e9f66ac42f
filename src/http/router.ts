/**
 * @koa/router with a shorter way to a route. It tests the pattern of every route for each request: with twenty routes
 * 4 us, more than all else that Koa does for one. Patterns of the registry have a fixed word in a path's last place but
 * one (`manifests`, `blobs`, `uploads`, …), so only the routes with the path's word are tested.
 */
import Router from '@koa/router'
import type { RequestState } from './context.ts'

/** The last part of a path but one; one slash at the end does not count. */
const wordOf = (path: string): string => {
  const end = path.endsWith('/') ? path.length - 1 : path.length
  const last = path.lastIndexOf('/', end - 1)
  return path.slice(path.lastIndexOf('/', last - 1) + 1, Math.max(last, 0))
}

const isWord = (word: string): boolean => !/[:*{]/.test(word)

/** The routes of a table by their word; nothing where one has none, and might fit any path. */
const groupByWord = <L extends { readonly path: string | RegExp }>(
  layers: readonly L[],
): Map<string, L[]> => {
  const words = layers.map(({ path }) => wordOf(String(path)))
  if (!words.every(isWord)) return new Map()
  return new Map(words.map((word) => [word, layers.filter((_, i) => words[i] === word)]))
}

/** A router for the registry. All routes are added before the first request. */
export const createRouter = (prefix: string): Router<RequestState> => {
  const router = new Router<RequestState>({ prefix })
  let layersByWord: ReturnType<typeof groupByWord<(typeof router.stack)[number]>> | undefined
  router.match = (path, method) => {
    layersByWord ??= groupByWord(router.stack)
    // Patterns ignore case, so a word that no route has may still fit one.
    const layers = layersByWord.get(wordOf(path)) ?? router.stack
    const matched = layers.filter((layer) => layer.match(path))
    const pathAndMethod = matched.filter(({ methods }) => methods.includes(method))
    return { path: matched, pathAndMethod, route: pathAndMethod.length > 0 }
  }
  return router
}

/** Many pieces of work, a few at a time. */

/** Pieces of work at once: enough for a disk to be busy, and few enough to leave it to others as well. */
const LANES = 8

/** What `find` finds for each key, in the order of the keys; nothing for those of which it finds nothing. */
export const mapInLanes = async <K, V>(
  keys: readonly K[],
  find: (key: K) => Promise<V | undefined>,
): Promise<Map<K, V>> => {
  const found = new Map<K, V>()
  await inLanes(keys, async (key) => {
    const value = await find(key)
    if (value !== undefined) found.set(key, value)
  })
  return new Map(keys.flatMap((key): [K, V][] => (found.has(key) ? [[key, found.get(key) as V]] : [])))
}

/** Does `work` on each item; the first failure ends all, once what is under way has ended. */
export const inLanes = async <T>(
  items: Iterable<T> | AsyncIterable<T>,
  work: (item: T) => Promise<void>,
): Promise<void> => {
  const waiting = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
  let hasFailed = false
  const lane = async (): Promise<void> => {
    for (let next = await waiting.next(); !next.done && !hasFailed; next = await waiting.next())
      try {
        await work(next.value)
      } catch (error) {
        hasFailed = true
        throw error
      }
  }
  const ends = await Promise.allSettled(Array.from({ length: LANES }, lane))
  const failed = ends.find((end) => end.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

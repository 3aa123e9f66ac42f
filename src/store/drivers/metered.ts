/** A storage driver whose actions are timed, under distribution's names for them (protocol.md §11.1). */
import type { HistogramSeries } from '../../observe/histogram.ts'
import type { Metrics } from '../../observe/metrics.ts'
import type { StorageDriver } from '../driver.ts'

/** What is timed, and as what; whatever else a driver can do passes through. */
const ACTIONS: ReadonlyMap<PropertyKey, string> = new Map<keyof StorageDriver, string>([
  ['stat', 'Stat'],
  ['open', 'Reader'],
  ['read', 'GetContent'],
  ['write', 'PutContent'],
  ['writeLazily', 'PutContent'],
  ['adopt', 'Move'],
  ['list', 'List'],
  ['remove', 'Delete'],
  ['removeLazily', 'Delete'],
  ['move', 'Move'],
])

type Method = (...args: unknown[]) => unknown

const MS_PER_S = 1000

const timed =
  (method: Method, seconds: HistogramSeries): Method =>
  async (...args) => {
    const startMs = performance.now()
    try {
      return await method(...args)
    } finally {
      seconds.observe((performance.now() - startMs) / MS_PER_S)
    }
  }

/**
 * The same driver, timed.
 * @param name of the driver, as it is configured: `filesystem`
 */
export const meterDriver = (driver: StorageDriver, name: string, metrics: Metrics): StorageDriver => {
  const methods = new Map<PropertyKey, Method>()
  const wrap = (method: Method, property: PropertyKey): Method => {
    const action = ACTIONS.get(property)
    const bound = method.bind(driver)
    return action === undefined
      ? bound
      : timed(bound, metrics.storageSeconds.series({ driver: name, action }))
  }
  return new Proxy(driver, {
    get(target, property) {
      const known = methods.get(property)
      if (known !== undefined) return known
      const value: unknown = Reflect.get(target, property)
      if (typeof value !== 'function') return value
      const method = wrap(value as Method, property)
      methods.set(property, method)
      return method
    },
  })
}

/**
 * What a pull-through cache of distribution left on the volume: `scheduler-state.json` lists the content that it would
 * expire, and so tells which repositories were mirrored rather than pushed.
 */
import type { StorageDriver } from './driver.ts'
import { SCHEDULER_STATE_KEY } from './paths.ts'

/** Largest file that is read, in bytes: some hundred thousand entries. */
const MAX_BYTES = 128 * 1024 * 1024

const readWhole = async (driver: StorageDriver, key: string): Promise<string | undefined> => {
  const file = await driver.open(key)
  if (file === undefined) return undefined
  try {
    if (file.sizeBytes > MAX_BYTES) return undefined
    const bytes = Buffer.alloc(file.sizeBytes)
    let length = 0
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      read = await file.read(bytes.subarray(length), length, bytes.length - length)
    return bytes.toString('utf8', 0, length)
  } finally {
    await file.close()
  }
}

/** The names of the repositories that were mirrored; a file that is missing or broken names none. */
export const readAdopted = async (driver: StorageDriver): Promise<ReadonlySet<string>> => {
  try {
    const entries = JSON.parse((await readWhole(driver, SCHEDULER_STATE_KEY)) ?? '{}') as object
    // A key is `<name>@<digest>`, or `<name>:<tag>` in old versions.
    return new Set(Object.keys(entries).map((key) => key.replace(/[@:].*$/, '')))
  } catch {
    return new Set()
  }
}

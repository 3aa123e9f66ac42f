/**
 * What a pull-through cache of distribution left on the volume: `scheduler-state.json` lists the content that it would
 * expire, and so tells which repositories were mirrored rather than pushed.
 */
import { isRepositoryName } from '../protocol/name.ts'
import type { StorageDriver } from './driver.ts'
import { SCHEDULER_STATE_KEY } from './paths.ts'
import { readWhole } from './read-whole.ts'

/** Largest file that is read, in bytes: some hundred thousand entries. */
const MAX_BYTES = 128 * 1024 * 1024

const readState = async (driver: StorageDriver): Promise<string | undefined> => {
  const file = await driver.open(SCHEDULER_STATE_KEY)
  if (file === undefined) return undefined
  try {
    return file.sizeBytes > MAX_BYTES ? undefined : (await readWhole(file)).toString()
  } finally {
    await file.close()
  }
}

/** The names of the repositories that were mirrored; a file that is missing or broken names none. */
export const readAdopted = async (driver: StorageDriver): Promise<ReadonlySet<string>> => {
  try {
    const entries = JSON.parse((await readState(driver)) ?? '{}') as object
    // A key is `<name>@<digest>`, or `<name>:<tag>` in old versions.
    const names = Object.keys(entries).map((key) => /^([^@:]+)[@:]/.exec(key)?.[1] ?? '')
    return new Set(names.filter(isRepositoryName))
  } catch {
    return new Set()
  }
}

/**
 * Looks for torn links in the background, when some may be there: on a volume that was never looked at (`registry:2` does not
 * sync), after a power cut, and now and then. Nobody waits for it.
 */
import { isRepositoryName } from '../protocol/name.ts'
import type { Repositories } from '../repository.ts'
import { walkLinkedFolders } from '../store/folders.ts'
import type { Owner } from '../store/owner.ts'
import { MENDED_KEY } from '../store/paths.ts'
import { LinkMender, type MendLinksParts } from './mend-links.ts'
import { Pace } from './pace.ts'
import { VolumeSharedError } from './shared.ts'

/** How often they are looked for in any case, in milliseconds. */
const EVERY_MS = 30 * 24 * 60 * 60 * 1000
/** Bytes read a second: a thousand links. */
const RATE_BYTES = 20e6

/** What is mended, and with what. */
export interface MendParts extends MendLinksParts {
  readonly repositories: Pick<Repositories, 'classify'>
  readonly owner: Pick<Owner, 'isAlone' | 'cutOffAtMs'>
  readonly isBusy: () => boolean
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const isDue = async ({ driver, owner, now }: MendParts): Promise<boolean> => {
  const mendedAtMs = Number((await driver.read(MENDED_KEY))?.toString() ?? Number.NaN)
  if (!(now() - mendedAtMs < EVERY_MS)) return true
  const cutOffAtMs = await owner.cutOffAtMs()
  return cutOffAtMs !== undefined && cutOffAtMs > mendedAtMs
}

/** Mends all links, where that is due. @throws VolumeSharedError, StorageError, the signal's reason */
export const mendWhenDue = async (parts: MendParts, signal: AbortSignal): Promise<void> => {
  const { driver, owner, repositories, log, isBusy, sleep, now } = parts
  if (!(await isDue(parts))) return
  const startedAtMs = now()
  const pace = new Pace({ rateBytes: RATE_BYTES, isBusy, sleep, signal, now: () => performance.now() })
  const all = { restored: 0, removed: 0, left: 0 }
  for await (const name of walkLinkedFolders(driver)) {
    signal.throwIfAborted()
    if (!(await owner.isAlone())) throw new VolumeSharedError()
    if (!isRepositoryName(name)) continue
    const { kind } = await repositories.classify(name)
    const { restored, removed, left } = await new LinkMender(parts, name, kind, pace).mend()
    all.restored += restored
    all.removed += removed
    all.left += left
  }
  await driver.writeLazily(MENDED_KEY, String(startedAtMs))
  if (all.restored + all.removed + all.left > 0) log.warn(all, 'links that a crash had torn were mended')
}

/** The store and everything that is kept in it, on one folder. */
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { BlobStore } from '../store/blobs.ts'
import type { StorageDriver } from '../store/driver.ts'
import { FilesystemDriver } from '../store/drivers/filesystem.ts'
import { meterDriver } from '../store/drivers/metered.ts'
import { FolderNames } from '../store/folder-names.ts'
import { Leases } from '../store/leases.ts'
import { LinkStore } from '../store/links.ts'
import { ManifestStore } from '../store/manifests.ts'
import { MarkStore } from '../store/marks.ts'
import { MirroredSize } from '../store/mirrored-size.ts'
import { Owner } from '../store/owner.ts'
import { PinStore } from '../store/pins.ts'
import { PullStore } from '../store/pulls.ts'
import { ReferrerStore } from '../store/referrers.ts'
import type { MakeRoom } from '../store/room.ts'
import { UseStore } from '../store/uses.ts'

/** What a store may be opened with. */
export interface StoreTools {
  readonly metrics?: Metrics
  readonly now?: () => number
  /** Stands before the driver: tests give one that lets it fail. */
  readonly wrapDriver?: (driver: StorageDriver) => StorageDriver
  /** Asked for room when the disk is full. */
  readonly makeRoom?: MakeRoom
}

/**
 * Opens a store; nothing is read or written yet.
 * @param root absolute path of its folder
 * @param tools what its actions are counted with; milliseconds since the epoch, for the age of what is in it
 */
export const createStore = (
  root: string,
  log: Logger,
  { metrics, now = Date.now, makeRoom, wrapDriver = (driver) => driver }: StoreTools = {},
) => {
  const folder = wrapDriver(new FilesystemDriver(root, makeRoom))
  const driver = metrics === undefined ? folder : meterDriver(folder, 'filesystem', metrics)
  const blobs = new BlobStore(driver)
  const links = new LinkStore(driver, metrics?.cacheMeter)
  const owner = new Owner(driver, log)
  const uses = new UseStore(driver, log, now)
  const names = new FolderNames(driver, (_name): _name is string => true)
  const referrers = new ReferrerStore(driver, blobs, links)
  return {
    root,
    driver,
    makeRoom,
    owner,
    blobs,
    links,
    referrers,
    manifests: new ManifestStore(blobs, links, referrers),
    marks: new MarkStore(driver),
    /** The lists of large folders, which are looked through page by page. */
    folders: { list: (prefix: string): Promise<readonly string[]> => names.all(prefix) },
    pins: new PinStore(driver),
    pulls: new PullStore(driver, log, now),
    uses,
    mirroredSize: new MirroredSize(driver, log),
    leases: new Leases((digest) => uses.note(digest)),
  }
}

/** A store in use. */
export type Store = ReturnType<typeof createStore>

/** The store and everything that is kept in it, on one folder. */
import type { Logger } from '../observe/log.ts'
import { BlobStore } from '../store/blobs.ts'
import { FilesystemDriver } from '../store/drivers/filesystem.ts'
import { LinkStore } from '../store/links.ts'
import { ManifestStore } from '../store/manifests.ts'
import { MarkStore } from '../store/marks.ts'
import { Owner } from '../store/owner.ts'

/** Opens a store; nothing is read or written yet. @param root absolute path of its folder */
export const createStore = (root: string, log: Logger) => {
  const driver = new FilesystemDriver(root)
  const blobs = new BlobStore(driver)
  const links = new LinkStore(driver)
  return {
    root,
    driver,
    owner: new Owner(driver, log),
    blobs,
    links,
    manifests: new ManifestStore(blobs, links),
    marks: new MarkStore(driver),
  }
}

/** A store in use. */
export type Store = ReturnType<typeof createStore>

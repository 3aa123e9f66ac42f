/**
 * A machine that is itself a guest is lent its memory page by page, by a fault that costs several times the copy into the
 * page, and gives back what it has not used for a moment. Who fills the page cache first would pay for all who come after.
 */
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'

const BLOCK_BYTES = 4 * 1024 * 1024

/** Has the machine lent so many bytes of page cache, and leaves them free. */
export const borrowMemory = async (folder: string, sizeBytes: number): Promise<void> => {
  const path = join(folder, 'borrowed')
  const file = await open(path, 'w')
  try {
    const block = Buffer.alloc(BLOCK_BYTES, 1)
    for (let at = 0; at < sizeBytes; at += BLOCK_BYTES) await file.write(block, 0, BLOCK_BYTES, at)
  } finally {
    await file.close()
    await rm(path)
  }
}

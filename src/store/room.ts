/** A full disk, and what may help: evicting mirrored content (design §3). */
import { StorageError } from './driver.ts'

/** Asked when the disk is full for room for so many bytes; `true` where trying again is worth it. Never rejects. */
export type MakeRoom = (bytes: number) => Promise<boolean>

/** Does `work`; where the disk is full, asks once for room and tries again. @throws what the last try throws */
export const withRoom = async <T>(
  makeRoom: MakeRoom | undefined,
  bytes: number,
  work: () => Promise<T>,
): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    const isFull = error instanceof StorageError && error.kind === 'full'
    if (!isFull || makeRoom === undefined || !(await makeRoom(bytes))) throw error
    return work()
  }
}

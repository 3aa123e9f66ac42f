/** Folders for tests that write a lot. */
import { access, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A new empty folder, in memory where the machine has such: thousands of syncs would take their time on a disk. */
export const makeQuickFolder = async (): Promise<string> => {
  const parent = await access('/dev/shm').then(
    () => '/dev/shm',
    () => tmpdir(),
  )
  return mkdtemp(join(parent, 'entrepot-test-'))
}

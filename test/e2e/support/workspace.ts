/**
 * The place of a test: a folder below which its programs write, and the list of what it started. Whatever starts
 * something says at once how it is stopped; `remove`, in the test's `after`, stops everything, last things first, and
 * then deletes the folder.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A place for one test. */
export interface Workspace {
  readonly path: string
  /** Has `stop` called by {@link remove}. It may have been called before. */
  defer(stop: () => Promise<void>): void
  /** Makes `name` below it, with the folders above, and returns its path. */
  folder(name: string): Promise<string>
  /** Removes a folder below it, mounts included. */
  empty(name: string): Promise<void>
  /** Stops and removes all of it. */
  remove(): Promise<void>
}

const MOUNT_POINT_FIELD = 4

/** Container engines that were killed leave mounts behind. The innermost come first. */
const unmountBelow = (folder: string): void => {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  const points = mounts.map((line) => line.split(' ')[MOUNT_POINT_FIELD] ?? '')
  for (const point of points.filter((path) => path.startsWith(`${folder}/`)).reverse())
    execFileSync('umount', ['--lazy', point])
}

const removeFolder = async (folder: string): Promise<void> => {
  unmountBelow(folder)
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
}

/** Makes an empty folder. Its path is short: sockets live in it. */
export const makeWorkspace = async (): Promise<Workspace> => {
  const path = await mkdtemp(join(tmpdir(), 'entrepot-e2e-'))
  const stops: (() => Promise<void>)[] = []
  return {
    path,
    defer: (stop) => void stops.unshift(stop),
    folder: async (name) => {
      const folder = join(path, name)
      await mkdir(folder, { recursive: true })
      return folder
    },
    empty: (name) => removeFolder(join(path, name)),
    remove: async () => {
      for (const stop of stops) await stop()
      await removeFolder(path)
    },
  }
}

/** What lies in a store, looked at from outside. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'

const filesBelow = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

const hashFile = async (file: string): Promise<string> => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

/** The sha256 digests of the blobs under their final names, and which of them do not hash to their name. */
export const inspectBlobs = async (
  rootDirectory: string,
): Promise<{ digests: string[]; wrong: string[] }> => {
  const files = await filesBelow(join(rootDirectory, 'docker/registry/v2/blobs/sha256'))
  const digests: string[] = []
  const wrong: string[] = []
  for (const file of files.filter((each) => basename(each) === 'data')) {
    const name = basename(dirname(file))
    digests.push(`sha256:${name}`)
    if ((await hashFile(file)) !== name) wrong.push(file)
  }
  return { digests, wrong }
}

/** The partial files of fetches that did not end. */
export const findPartials = (rootDirectory: string): Promise<string[]> =>
  filesBelow(join(rootDirectory, 'entrepot/partials'))

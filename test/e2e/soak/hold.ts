/** The volume of the soak, looked at from outside while the server works on it. */
import { existsSync, statSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

const BLOBS = 'docker/registry/v2/blobs/sha256'
const REPOSITORIES = 'docker/registry/v2/repositories'

/** What is in a folder, below it included: files, and their bytes. */
export interface Contents {
  readonly files: number
  readonly bytes: number
}

/** Bytes of content by whose it is. */
export interface Weight {
  /** Of mirrored repositories alone or of nobody, partial files included: what the disk budget bounds. */
  readonly mirroredBytes: number
  /** Of a local repository, whoever has it besides. */
  readonly localBytes: number
}

/** The volume. */
export class Hold {
  readonly root: string

  constructor(root: string) {
    this.root = root
  }

  /** Which file a repository has as a blob, or `undefined`: another one, where it went and came again. */
  findBlob(name: string, digest: string): string | undefined {
    const hex = digest.slice('sha256:'.length)
    const isLinked = existsSync(join(this.root, REPOSITORIES, name, '_layers/sha256', hex, 'link'))
    const found = statSync(join(this.root, BLOBS, hex.slice(0, 2), hex, 'data'), { throwIfNoEntry: false })
    return isLinked && found !== undefined ? `${found.ino} ${found.mtimeMs}` : undefined
  }

  /** What lies beside the store while it is made. */
  async measure(folder: 'partials' | 'tmp'): Promise<Contents> {
    const files = await filesBelow(join(this.root, 'entrepot', folder))
    return { files: files.length, bytes: sum(await Promise.all(files.map(sizeOf))) }
  }

  /** @param local the local repository */
  async weigh(local: string): Promise<Weight> {
    const localHexes = await this.#hexesOf(local)
    let { bytes: mirroredBytes } = await this.measure('partials')
    let localBytes = 0
    for (const file of await filesBelow(join(this.root, BLOBS))) {
      const hex = basename(dirname(file))
      const sizeBytes = await sizeOf(file)
      if (localHexes.has(hex)) localBytes += sizeBytes
      else mirroredBytes += sizeBytes
    }
    return { mirroredBytes, localBytes }
  }

  /** Whatever a repository links: blobs and manifests. */
  async #hexesOf(name: string): Promise<Set<string>> {
    const folder = join(this.root, REPOSITORIES, name)
    const links = [
      ...(await filesBelow(join(folder, '_layers'))),
      ...(await filesBelow(join(folder, '_manifests/revisions'))),
    ]
    return new Set(links.map((path) => basename(dirname(path))))
  }
}

const filesBelow = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
}

/** Some are gone a moment later. */
const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  )

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)

/** Filling caches: before warm service is measured, the upstream must not be asked any more. */
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench } from '../bench.ts'
import { type Blob, writeBlob } from '../content.ts'
import { cpuWhenIdle } from '../measure/rest.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { Server } from './server.ts'

/** Repository of everything in the benchmark. */
export const NAME = 'bench/app'

/** Path of a blob. */
export const blobPath = ({ digest }: { readonly digest: string }): string => `/v2/${NAME}/blobs/${digest}`

/** Path of a manifest by tag or digest. */
export const manifestPath = (reference: string): string => `/v2/${NAME}/manifests/${reference}`

/** Some peers store a blob after they have sent it. */
const SETTLE_MS = 300
const MAX_TRIES = 20

/** Asks a server for `paths` until it gets none of them from the upstream any more. */
export const warm = async (
  { clients }: Bench,
  server: Server,
  upstream: Upstream,
  paths: readonly string[],
): Promise<void> => {
  const { target } = server
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const before = (await upstream.counts()).blobs
    await clients.request({ target, method: 'GET', paths, connections: 8, count: paths.length })
    if (tries > 0 && (await upstream.counts()).blobs === before) {
      // What was fetched is still being brought to the disk.
      await cpuWhenIdle(server.process)
      return
    }
    await sleep(SETTLE_MS)
  }
  throw new Error(`${server.name} does not keep what it mirrors`)
}

/** Lays blobs out as plain files, for a server of files. @returns the folder */
export const layOut = async ({ workspace }: Bench, blobs: readonly Blob[]): Promise<string> => {
  const root = await workspace.folder('files')
  for (const blob of blobs) {
    const path = join(root, blobPath(blob))
    await mkdir(dirname(path), { recursive: true })
    await writeBlob(path, blob)
  }
  return root
}

/** Growth by blobs: sparse files, since a million of them is meant and not a million mebibytes. */
import { digestOf } from '../../../src/protocol/digest.ts'
import type { RepositoryName } from '../../../src/protocol/name.ts'
import type { Bench, Case } from '../bench.ts'
import { makeBlob } from '../content.ts'
import { blobPath, NAME as WARM_NAME } from '../servers/warm.ts'
import { StoreFiller } from './fill.ts'
import { Growth, sizesTo } from './growth.ts'
import { pushBlob, scrape } from './requests.ts'

const NAME = WARM_NAME as RepositoryName
const BLOB_BYTES = 100_000
/** So many are what their names say, and linked to the repository that is asked: wrong ones would be put aside. */
const LINKED = 1000
const ALL = { full: 1_000_000, short: 1000 }

const run = async (bench: Bench): Promise<void> => {
  const growth = new Growth(bench, 'blobs', 'Blobs in the store', 'blobs')
  const store = await StoreFiller.open(bench)
  const paths: string[] = []
  let filled = 0
  for (const size of sizesTo(bench.size(ALL.full, ALL.short))) {
    for (; filled < size; filled += 1) {
      if (filled >= LINKED) {
        store.addSparseBlob(digestOf(`blob ${filled}`), BLOB_BYTES)
        continue
      }
      const blob = makeBlob({ seed: `blob ${filled}`, sizeBytes: BLOB_BYTES })
      store.addBlob(blob)
      store.addLink(NAME, blob.digest)
      paths.push(blobPath(blob))
    }
    await growth.at(size, { rootDirectory: store.root }, async (server) => {
      await growth.ask('GET of a blob of 100 kB', size, server, paths)
      await growth.repeat('push of a blob', size, server, () => pushBlob(server, NAME))
      await growth.repeat('scrape of the metrics', size, server, () => scrape(server))
    })
  }
}

export const blobs: Case = {
  name: 'growth-blobs',
  title: '10 to 1,000,000 blobs in the store',
  form: 'growth',
  run,
}

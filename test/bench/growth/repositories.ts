/** Growth by repositories, all in one folder, which is the worst case: distribution lists the folder for every page. */
import type { RepositoryName, Tag } from '../../../src/protocol/name.ts'
import type { Bench, Case } from '../bench.ts'
import { makeImage } from '../image.ts'
import { StoreFiller } from './fill.ts'
import { Growth, sizesTo, spread } from './growth.ts'
import { pushManifest, scrape } from './requests.ts'

const TAG = 'latest' as Tag
const nameOf = (i: number): RepositoryName => `app-${String(i).padStart(6, '0')}` as RepositoryName

const run = async (bench: Bench): Promise<void> => {
  const growth = new Growth(bench, 'repositories', 'Repositories in the store', 'repositories')
  const image = makeImage('repositories', [1000])
  const store = await StoreFiller.open(bench)
  store.addBytes(image)
  let filled = 0
  for (const size of sizesTo(bench.size(100_000, 1000))) {
    for (; filled < size; filled += 1) {
      store.addImage(nameOf(filled), image)
      store.addTag(nameOf(filled), TAG, image.manifest.digest)
    }
    await growth.at(size, { rootDirectory: store.root }, async (server) => {
      const manifests = spread(size).map((i) => `/v2/${nameOf(i)}/manifests/${TAG}`)
      await growth.ask('GET of a manifest by tag', size, server, manifests)
      const pages = spread(size, 20).map((i) => `/v2/_catalog?n=100&last=${nameOf(i)}`)
      await growth.ask('page of 100 of the catalog', size, server, pages)
      await growth.repeat('push of a manifest', size, server, (i) =>
        pushManifest(server, nameOf(i % size), `tag-${i}`, image),
      )
      await growth.repeat('scrape of the metrics', size, server, () => scrape(server))
    })
  }
}

export const repositories: Case = {
  name: 'growth-repositories',
  title: '10 to 100,000 repositories in one folder',
  form: 'growth',
  run,
}

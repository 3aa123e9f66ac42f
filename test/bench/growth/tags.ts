/** Growth by tags in one repository. */
import type { RepositoryName, Tag } from '../../../src/protocol/name.ts'
import type { Bench, Case } from '../bench.ts'
import { makeImage } from '../image.ts'
import { StoreFiller } from './fill.ts'
import { Growth, sizesTo, spread } from './growth.ts'
import { deleteTag, pushManifest } from './requests.ts'

const NAME = 'bench/app' as RepositoryName
const tagOf = (i: number): Tag => `v${String(i).padStart(6, '0')}` as Tag

const run = async (bench: Bench): Promise<void> => {
  const growth = new Growth(bench, 'tags', 'Tags in one repository', 'tags')
  const image = makeImage('tags', [1000])
  const store = await StoreFiller.open(bench)
  store.addBytes(image)
  store.addImage(NAME, image)
  let filled = 0
  for (const size of sizesTo(bench.size(100_000, 1000))) {
    for (; filled < size; filled += 1) store.addTag(NAME, tagOf(filled), image.manifest.digest)
    await growth.at(size, { rootDirectory: store.root, allowsDeletes: true }, async (server) => {
      const manifests = spread(size).map((i) => `/v2/${NAME}/manifests/${tagOf(i)}`)
      await growth.ask('GET of a manifest by tag', size, server, manifests)
      const pages = spread(size, 20).map((i) => `/v2/${NAME}/tags/list?n=100&last=${tagOf(i)}`)
      await growth.ask('page of 100 tags', size, server, pages)
      let pushed = 0
      await growth.repeat('push of a tag', size, server, (i) => {
        pushed = i
        return pushManifest(server, NAME, `new-${i}`, image)
      })
      for (let i = 0; i <= pushed; i += 1) await deleteTag(server, NAME, `new-${i}`)
      await growth.repeat('push and delete of a tag', size, server, async () => {
        await pushManifest(server, NAME, 'other', image)
        return deleteTag(server, NAME, 'other')
      })
    })
  }
}

export const tags: Case = {
  name: 'growth-tags',
  title: '10 to 100,000 tags in one repository',
  form: 'growth',
  run,
}

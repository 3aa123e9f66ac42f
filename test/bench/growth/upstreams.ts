/** Growth by upstreams: as many sections of the configuration, all of them in use. */
import type { Bench, Case } from '../bench.ts'
import { makeImage } from '../image.ts'
import { warm } from '../servers/warm.ts'
import { Upstream } from '../upstream/upstream.ts'
import { Growth, sizesTo, spread } from './growth.ts'

const hostOf = (i: number): string => `registry-${i}.example`

const run = async (bench: Bench): Promise<void> => {
  const growth = new Growth(bench, 'upstreams', 'Upstreams', 'upstreams')
  const image = makeImage('upstreams', [1000])
  const upstream = await Upstream.start(bench.workspace)
  await upstream.add(image.blobs, [{ ...image.manifest, tags: [] }])
  for (const size of [1, ...sizesTo(bench.size(1000, 100))]) {
    const mirrors = Array.from({ length: size }, (_, i) => hostOf(i))
    await growth.at(size, { upstream: upstream.origin, mirrors }, async (server) => {
      const paths = spread(size).map((i) => `/v2/${hostOf(i)}/bench/app/manifests/${image.manifest.digest}`)
      await warm(bench, server, upstream, paths)
      await growth.ask('GET of a manifest', size, server, paths)
    })
  }
}

export const upstreams: Case = {
  name: 'growth-upstreams',
  title: '1 to 1,000 upstreams',
  form: 'growth',
  run,
}

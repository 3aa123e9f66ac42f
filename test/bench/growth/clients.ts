/** Growth by clients: connections that are kept, all of them asking. */
import type { Bench, Case } from '../bench.ts'
import { makeImage } from '../image.ts'
import { entrepot } from '../servers/entrepot.ts'
import { manifestPath, warm } from '../servers/warm.ts'
import { Upstream } from '../upstream/upstream.ts'
import { Growth } from './growth.ts'

const SIZES = [1, 10, 100, 1000, 2000]

const run = async (bench: Bench): Promise<void> => {
  const growth = new Growth(bench, 'clients', 'Clients on kept connections', 'clients')
  const image = makeImage('clients', [1000])
  const upstream = await Upstream.start(bench.workspace)
  await upstream.add(image.blobs, [{ ...image.manifest, tags: [] }])
  const paths = [manifestPath(image.manifest.digest)]
  for (const size of SIZES)
    await growth.at(size, { upstream: upstream.origin }, async (server) => {
      await warm(bench, server, upstream, paths)
      await growth.ask('GET of a manifest', size, server, paths, size)
    })
}

export const clients: Case = {
  name: 'growth-clients',
  title: `1 to 2,000 clients of ${entrepot.name}`,
  form: 'growth',
  run,
}

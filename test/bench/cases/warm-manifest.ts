/** A manifest that is cached: by digest and by a tag that is fresh, GET and HEAD, few and many connections. */
import type { Bench, Case } from '../bench.ts'
import type { Requested } from '../client/requests.ts'
import { findWrk, runWrk } from '../client/wrk.ts'
import { makeImage } from '../image.ts'
import type { Metric } from '../measure/samples.ts'
import { node } from '../servers/node.ts'
import type { ContestantName, Server } from '../servers/server.ts'
import { manifestPath, warm } from '../servers/warm.ts'
import { Upstream } from '../upstream/upstream.ts'

const TAG = 'latest'

const EVERYBODY: readonly ContestantName[] = [
  'entrepot',
  'docker-registry',
  'distribution',
  'nginx-cache',
  'node',
]
/** The short form compares with Node alone, and spares the time that the slower ones take to be filled. */
const COMPARED: readonly ContestantName[] = ['entrepot', 'node']

/** Long enough for some tens of thousands of answers of the fastest, in milliseconds. */
const FULL_MS = 2000
const SHORT_MS = 1000
/** Not measured, for each number of connections: until code that is run often is compiled, in milliseconds. */
const WARM_UP_MS = 1000

/** One way of asking. */
interface Way {
  readonly by: 'digest' | 'tag'
  readonly method: 'GET' | 'HEAD'
  readonly connections: number
}

const FULL_WAYS: readonly Way[] = [32, 256].flatMap((connections) =>
  (['GET', 'HEAD'] as const).flatMap((method) =>
    (['digest', 'tag'] as const).map((by) => ({ by, method, connections })),
  ),
)

const SHORT_WAYS: readonly Way[] = [
  { by: 'digest', method: 'GET', connections: 32 },
  { by: 'tag', method: 'HEAD', connections: 32 },
]

const metricOf = (way: Way, name: string, unit: string, better: Metric['better']): Metric => ({
  name: `${way.method} by ${way.by}, ${way.connections}: ${name}`,
  unit,
  better,
})

/** wrk cannot HEAD: it waits for the body. */
const ask = (
  { clients }: Bench,
  { target }: Server,
  way: Way,
  path: string,
  forMs: number,
): Promise<Requested> => {
  const { method, connections } = way
  const wrk = method === 'GET' ? findWrk() : undefined
  if (wrk !== undefined) return runWrk(wrk, { target, paths: [path], connections, forMs })
  return clients.request({ target, method, paths: [path], connections, forMs })
}

const measure = async (
  bench: Bench,
  server: Server,
  way: Way,
  path: string,
  round: number,
): Promise<void> => {
  const before = await server.process.cpuSeconds()
  const answers = await ask(bench, server, way, path, bench.size(FULL_MS, SHORT_MS))
  const cpuS = (await server.process.cpuSeconds()) - before
  const { requests, seconds, p99Ms } = answers
  bench.note(metricOf(way, 'requests/s', '1/s', 'more'), server, round, requests / seconds)
  bench.note(metricOf(way, 'p99 ms', 'ms', 'less'), server, round, p99Ms)
  bench.note(metricOf(way, 'CPU us each', 'us', 'less'), server, round, (cpuS * 1e6) / requests)
}

const run = async (bench: Bench): Promise<void> => {
  const image = makeImage(
    'warm',
    Array.from({ length: 8 }, (_, i) => 1000 + i),
  )
  const upstream = await Upstream.start(bench.workspace)
  await upstream.add(image.blobs, [{ ...image.manifest, tags: [TAG] }])
  const pathBy = { digest: manifestPath(image.manifest.digest), tag: manifestPath(TAG) }
  const servers: Server[] = []
  for (const contestant of bench.present(...bench.size(EVERYBODY, COMPARED))) {
    const server = await bench.start(contestant, { upstream: upstream.origin })
    if (contestant !== node) await warm(bench, server, upstream, Object.values(pathBy))
    servers.push(server)
  }
  let warmedUpFor = 0
  for (const way of bench.size(FULL_WAYS, SHORT_WAYS)) {
    // More connections than ever before take more memory, too.
    if (way.connections !== warmedUpFor)
      for (const server of servers) await ask(bench, server, way, pathBy.digest, WARM_UP_MS)
    warmedUpFor = way.connections
    await bench.rounds(servers, (server, round) => measure(bench, server, way, pathBy[way.by], round))
  }
}

export const warmManifest: Case = {
  name: 'warm-manifest',
  title: 'warm manifest, requests in a closed loop on 32 and 256 kept connections',
  form: 'short',
  run,
}

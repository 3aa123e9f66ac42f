/** Manifests while many clients pull a large blob that is not cached: whether big transfers starve small answers. */
import type { Bench, Case } from '../bench.ts'
import { makeBlob } from '../content.ts'
import { makeImage } from '../image.ts'
import type { Metric } from '../measure/samples.ts'
import type { Server } from '../servers/server.ts'
import { blobPath, manifestPath, warm } from '../servers/warm.ts'
import { Upstream } from '../upstream/upstream.ts'

const CLIENTS = 16
/** Small requests a second: four connections that each wait this long between two, in milliseconds. */
const ASKERS = 4
const PAUSE_MS = 10

const P50: Metric = { name: 'manifest p50 ms', unit: 'ms', better: 'less' }
const P99: Metric = { name: 'manifest p99 ms', unit: 'ms', better: 'less' }
const RATE: Metric = { name: 'blob GB/s', unit: 'GB/s', better: 'more' }
const DELAY: Metric = { name: 'event-loop delay p99 ms', unit: 'ms', better: 'less' }

const DELAY_LINE = /^nodejs_eventloop_lag_p99_seconds (\S+)$/m

/** Node looks so often, in milliseconds, and counts the time from one look to the next: it is there in an idle process. */
const LOOK_MS = 10

/** Delay of the event loop since the last call, 99th percentile in milliseconds; `undefined` for other programs. */
const eventLoopDelay = async ({ debugUrl }: Server): Promise<number | undefined> => {
  if (debugUrl === undefined) return undefined
  const text = await (await fetch(`${debugUrl}/metrics`)).text()
  return Math.max(0, Number(DELAY_LINE.exec(text)?.[1]) * 1000 - LOOK_MS)
}

const run = async (bench: Bench): Promise<void> => {
  const blob = makeBlob({ seed: 'busy', sizeBytes: bench.size(1e9, 128e6) })
  const image = makeImage('busy', [1000, 2000])
  const upstream = await Upstream.start(bench.workspace)
  await upstream.add([blob, ...image.blobs], [{ ...image.manifest, tags: [] }])
  const path = manifestPath(image.manifest.digest)
  await bench.coldRounds(
    ['entrepot', 'docker-registry', 'nginx-cache'],
    { upstream: upstream.origin },
    async (server, round) => {
      const { target } = server
      await warm(bench, server, upstream, [path])
      await eventLoopDelay(server)
      const asking = bench.clients.request({
        target,
        method: 'GET',
        paths: [path],
        connections: ASKERS,
        pauseMs: PAUSE_MS,
      })
      const order = { target, path: blobPath(blob), clients: CLIENTS }
      const { gigabytesPerS } = await bench.clients.download(order)
      await bench.clients.endRequests()
      const { p50Ms, p99Ms } = await asking
      bench.note(P50, server, round, p50Ms)
      bench.note(P99, server, round, p99Ms)
      bench.note(RATE, server, round, gigabytesPerS)
      const delayMs = await eventLoopDelay(server)
      if (delayMs !== undefined) bench.note(DELAY, server, round, delayMs)
    },
  )
}

export const busy: Case = {
  name: 'busy',
  title: 'manifests while 16 clients pull a cold blob of 1 GB',
  form: 'full',
  run,
}

/**
 * An image that is not cached, pulled by a real dockerd from an upstream like Docker Hub, and unpacked. dockerd opens a new
 * connection for every request, and each costs round trips where the host is far away. What it would take from an
 * upstream that is not far away at all, over the same wire, is the least that any mirror can reach.
 */
import { type Dockerd, startDockerd } from '../../e2e/support/clients/dockerd.ts'
import { skipWithout } from '../../e2e/support/tools.ts'
import type { Bench, Case } from '../bench.ts'
import { borrowMemory } from '../measure/lent-memory.ts'
import type { Metric } from '../measure/samples.ts'
import { makeCertificate } from '../servers/certificate.ts'
import { direct } from '../servers/direct.ts'
import type { Server } from '../servers/server.ts'
import { NAME } from '../servers/warm.ts'
import type { UpstreamOptions } from '../upstream/main.ts'
import { Upstream } from '../upstream/upstream.ts'
import { WIRE } from './cold-blob.ts'
import { AT_ONCE, BEFORE, LAYERS, SMALL } from './cold-image.ts'

const seconds = (name: string): Metric => ({ name, unit: 's', better: 'less' })

const TOTAL = seconds('total s')
/** dockerd's own time, and the wire's. */
const NEAR = seconds('upstream near by, same wire: s')
/** dockerd's own time. */
const UNTHROTTLED = seconds('upstream near by, nothing throttled: s')

const TAG = 'latest'
/** The image lies in the mirror's store, in what dockerd downloads and in what it unpacks. */
const COPIES = 3

/** Pulls an image with everything that belongs to it, and forgets it. @returns seconds that the pull took */
const pull = async (dockerd: Dockerd, server: Server, tag: string): Promise<number> => {
  const { host, port } = server.target
  const reference = `${host}:${port}/${NAME}:${tag}`
  const beganAtMs = performance.now()
  await dockerd.docker('pull', '--quiet', reference)
  const tookS = (performance.now() - beganAtMs) / 1000
  await dockerd.docker('rmi', '--force', reference)
  return tookS
}

const run = async (bench: Bench): Promise<void> => {
  const skip = skipWithout('dockerd', 'docker')
  if (skip !== false) return bench.options.tell(`skipped: ${skip}`)
  const certificate = await makeCertificate(bench.workspace)
  const layerBytes = LAYERS.map((size) => Math.round(size * bench.size(1, 0.1)))
  const smallBytes = LAYERS.map((size) => Math.round(size * SMALL))
  const before = Array.from({ length: BEFORE }, (_, i) => `before-${i}`)
  const startUpstream = async (options: UpstreamOptions): Promise<Upstream> => {
    const upstream = await Upstream.start(bench.workspace, options)
    for (const tag of before) await upstream.addUnpackable({ seed: tag, layerBytes: smallBytes }, tag)
    await upstream.addUnpackable({ seed: 'cold', layerBytes }, TAG)
    return upstream
  }
  const hub = await startUpstream({ ...WIRE, hub: certificate })
  const near = await startUpstream({ bytesPerS: WIRE.bytesPerS })
  const unthrottled = await startUpstream({})
  // It trusts any host that a registry on loopback redirects to.
  const dockerd = await startDockerd(bench.workspace, { config: '{}', env: {} })

  const measure = async (server: Server, metric: Metric, round: number): Promise<void> => {
    await borrowMemory(bench.workspace.path, COPIES * layerBytes.reduce((sum, size) => sum + size, 0))
    bench.note(metric, server, round, await pull(dockerd, server, TAG))
  }
  const options = { upstream: hub.address, trustedCaFile: certificate.caFile }
  const names = ['direct', 'entrepot', 'docker-registry', 'distribution'] as const
  await bench.coldRounds(names, options, async (server, round) => {
    const order = { registry: server.url, name: NAME, caFile: certificate.caFile, atOnce: AT_ONCE }
    for (const tag of before) await bench.clients.pullImage({ ...order, tag })
    await pull(dockerd, server, before[0] as string)
    await measure(server, TOTAL, round)
    if (server.name !== direct.name) return
    for (const [metric, { address }] of [
      [NEAR, near],
      [UNTHROTTLED, unthrottled],
    ] as const)
      await measure(await bench.start(direct, { upstream: address }), metric, round)
  })
}

export const coldImageDockerd: Case = {
  name: 'cold-image-dockerd',
  title: 'the same, pulled and unpacked by dockerd',
  form: 'full',
  run,
}

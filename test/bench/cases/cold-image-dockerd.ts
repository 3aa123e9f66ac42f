/**
 * An image that is not cached, pulled and unpacked by a real dockerd, from an upstream like Docker Hub. dockerd unpacks one
 * layer after the other, each as soon as those below it are there: which layer comes first counts. Told besides are the
 * least that any mirror can reach, which is the wire without a round trip, one layer after the other; and what dockerd
 * needs for itself.
 */
import { type Dockerd, startDockerd } from '../../e2e/support/clients/dockerd.ts'
import { skipWithout } from '../../e2e/support/tools.ts'
import { makeWorkspace } from '../../e2e/support/workspace.ts'
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
const LEAST = seconds('least: wire and dockerd, s')
const UNPACKING = seconds('dockerd by itself, s')
const FETCHES: Metric = { name: 'upstream GETs', unit: 'requests', better: 'less' }

const TAG = 'latest'
/** The image lies in the mirror's store, in what dockerd downloads and in what it unpacks. */
const COPIES = 3

/** A dockerd that pulls so many layers at once. It trusts any host that a registry on loopback redirects to. */
const startEngine = async ({ workspace }: Bench, atOnce: number): Promise<Dockerd> => {
  const own = await makeWorkspace()
  workspace.defer(() => own.remove())
  return startDockerd(own, { config: JSON.stringify({ 'max-concurrent-downloads': atOnce }), env: {} })
}

/** Pulls an image, and forgets it with all its layers. @returns seconds that the pull took */
const pull = async (dockerd: Dockerd, { target }: Server, tag: string): Promise<number> => {
  const reference = `${target.host}:${target.port}/${NAME}:${tag}`
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
  const sizeBytes = layerBytes.reduce((sum, size) => sum + size, 0)
  const before = Array.from({ length: BEFORE }, (_, i) => `before-${i}`)
  const startUpstream = async (options: UpstreamOptions): Promise<Upstream> => {
    const upstream = await Upstream.start(bench.workspace, options)
    for (const tag of before) await upstream.addUnpackable({ seed: tag, layerBytes: smallBytes }, tag)
    await upstream.addUnpackable({ seed: 'cold', layerBytes }, TAG)
    return upstream
  }
  const hub = await startUpstream({ ...WIRE, hub: certificate })
  const wire = await startUpstream({ bytesPerS: WIRE.bytesPerS })
  const nothing = await startUpstream({})
  const dockerd = await startEngine(bench, AT_ONCE)
  const inOrder = await startEngine(bench, 1)

  const pullCold = async (engine: Dockerd, server: Server): Promise<number> => {
    await borrowMemory(bench.workspace.path, COPIES * sizeBytes)
    return pull(engine, server, TAG)
  }
  const pullFrom = async ({ origin }: Upstream, engine: Dockerd): Promise<number> =>
    pullCold(engine, await bench.start(direct, { upstream: origin }))

  const options = { upstream: hub.origin, trustedCaFile: certificate.caFile }
  const names = ['direct', 'entrepot', 'docker-registry', 'distribution'] as const
  await bench.coldRounds(names, options, async (server, round) => {
    const order = { registry: server.url, name: NAME, caFile: certificate.caFile, atOnce: AT_ONCE }
    for (const tag of before) await bench.clients.pullImage({ ...order, tag })
    for (const engine of [dockerd, inOrder]) await pull(engine, server, before[0] as string)
    const askedBefore = (await hub.counts()).blobs
    bench.note(TOTAL, server, round, await pullCold(dockerd, server))
    bench.note(FETCHES, server, round, (await hub.counts()).blobs - askedBefore)
    if (server.name !== direct.name) return
    bench.note(LEAST, server, round, await pullFrom(wire, inOrder))
    bench.note(UNPACKING, server, round, await pullFrom(nothing, dockerd))
  })
}

export const coldImageDockerd: Case = {
  name: 'cold-image-dockerd',
  title: 'the same, pulled and unpacked by dockerd',
  form: 'full',
  run,
}

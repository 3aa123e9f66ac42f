/** A blob that is cached: throughput with one client and with many, processor time, and time to the first byte. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench, Case } from '../bench.ts'
import { makeBlob } from '../content.ts'
import type { Metric } from '../measure/samples.ts'
import { median } from '../measure/statistics.ts'
import { makeCertificate } from '../servers/certificate.ts'
import type { Certificate, Server } from '../servers/server.ts'
import { blobPath, layOut, warm } from '../servers/warm.ts'
import { Upstream } from '../upstream/upstream.ts'

const rate = (clients: number): Metric => ({
  name: `${clients} client(s): GB/s`,
  unit: 'GB/s',
  better: 'more',
})
const cost = (clients: number): Metric => ({
  name: `${clients} client(s): CPU s/GB`,
  unit: 's/GB',
  better: 'less',
})
const FIRST_BYTE: Metric = { name: 'first byte, p50', unit: 'ms', better: 'less' }
const PEAK: Metric = { name: '16 clients: peak memory', unit: 'MiB', better: 'less' }

const MIB = 1024 * 1024

/** How much is read. */
interface Load {
  readonly clients: number
  readonly times: number
}

/** All servers with the one blob in their stores. */
const startWarm = async (bench: Bench, sizeBytes: number, certificate?: Certificate) => {
  const blob = makeBlob({ seed: 'warm', sizeBytes })
  const upstream = await Upstream.start(bench.workspace)
  await upstream.add([blob])
  const servers: Server[] = []
  for (const contestant of bench.present(
    'entrepot',
    'docker-registry',
    'distribution',
    'nginx-cache',
    'nginx-static',
    'node',
  )) {
    const isStatic = contestant.name === 'nginx-static'
    const server = await bench.start(contestant, {
      certificate,
      ...(isStatic ? { rootDirectory: await layOut(bench, [blob]) } : { upstream: upstream.origin }),
    })
    if (!isStatic && server.name !== 'node') await warm(bench, server, upstream, [blobPath(blob)])
    servers.push(server)
  }
  const pathOf = ({ name }: Server): string => (name === 'node' ? `/${sizeBytes}` : blobPath(blob))
  return { pathOf, servers }
}

const measureLoad = async (
  bench: Bench,
  server: Server,
  path: string,
  load: Load,
  round: number,
): Promise<void> => {
  const before = await server.process.cpuSeconds()
  const { bytes, gigabytesPerS } = await bench.clients.download({ target: server.target, path, ...load })
  const cpuS = (await server.process.cpuSeconds()) - before
  bench.note(rate(load.clients), server, round, gigabytesPerS)
  bench.note(cost(load.clients), server, round, cpuS / (bytes / 1e9))
}

const run = async (bench: Bench, sizeBytes: number, loads: readonly Load[], certificate?: Certificate) => {
  const { servers, pathOf } = await startWarm(bench, sizeBytes, certificate)
  // Node by itself tells what the one thread that encrypts can do, and how soon a first byte can come; it reads no file.
  const loaded = servers.filter(({ name }) => name !== 'node' || certificate !== undefined)
  for (const load of loads)
    await bench.rounds(loaded, async (server, round) => {
      await server.process.resetPeak()
      await measureLoad(bench, server, pathOf(server), load, round)
      if (load.clients > 1) bench.note(PEAK, server, round, (await server.process.peakResidentBytes()) / MIB)
    })
  return { servers, pathOf }
}

/** On a connection that is open: a client has asked for a manifest before. */
const FIRST_BYTES = { leaveAfterBytes: 1, clients: 1, greets: true }
/** Until a server has noticed that its client left, in milliseconds: a first byte is to wait for nobody else's transfer. */
const LEFT_MS = 5

const measureFirstByte = async (bench: Bench, server: Server, path: string, round: number): Promise<void> => {
  const times: number[] = []
  for (let i = 0; i < bench.size(50, 20); i += 1) {
    const { firstByteMs } = await bench.clients.download({ target: server.target, path, ...FIRST_BYTES })
    times.push(...firstByteMs)
    await sleep(LEFT_MS)
  }
  bench.note(FIRST_BYTE, server, round, median(times))
}

export const warmBlob: Case = {
  name: 'warm-blob',
  title: 'warm blob of 1 GB over HTTP',
  form: 'short',
  run: async (bench) => {
    const sizeBytes = bench.size(1e9, 128e6)
    const loads = bench.size(
      [
        { clients: 1, times: 3 },
        { clients: 16, times: 1 },
      ],
      [
        { clients: 1, times: 16 },
        { clients: 8, times: 2 },
      ],
    )
    const { servers, pathOf } = await run(bench, sizeBytes, loads)
    await bench.rounds(servers, (server, round) => measureFirstByte(bench, server, pathOf(server), round))
  },
}

export const warmBlobTls: Case = {
  name: 'warm-blob-tls',
  title: 'warm blob of 512 MB over TLS',
  form: 'full',
  run: async (bench) => {
    const certificate = await makeCertificate(bench.workspace)
    const loads = bench.size(
      [
        { clients: 1, times: 2 },
        { clients: 16, times: 1 },
      ],
      [
        { clients: 1, times: 1 },
        { clients: 16, times: 1 },
      ],
    )
    await run(bench, bench.size(512e6, 64e6), loads, certificate)
  },
}

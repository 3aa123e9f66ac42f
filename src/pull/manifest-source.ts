/** Manifests of upstreams, each asked for once however many want it, and kept as they come. */
import type { Coordinator } from '../coordinator/coordinator.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Answer } from '../observe/read-meter.ts'
import { formatImage, type Reference } from '../protocol/name.ts'
import type { Mirrored } from '../repository.ts'
import type { StoredManifest } from '../store/manifests.ts'
import type { CallOptions, ManifestStat } from '../upstream/upstream.ts'
import type { MirrorStore } from './mirror-store.ts'
import type { StoredManifests } from './stored-manifests.ts'

/** What they are fetched with. */
export interface ManifestSourceOptions {
  readonly stored: StoredManifests
  readonly mirror: MirrorStore
  readonly coordinator: Coordinator
  readonly metrics: Metrics
}

/** What a caller says: how long it waits in all, in milliseconds, and who waits. */
type Asking = Pick<CallOptions, 'priority'> & { readonly deadlineMs: number }

/** Asks upstreams for manifests. */
export class ManifestSource {
  readonly #options: ManifestSourceOptions

  constructor(options: ManifestSourceOptions) {
    this.#options = options
  }

  /** What a reference points at now, by one `HEAD`; of a tag that is noted. @throws UpstreamError */
  async resolve(
    repository: Mirrored,
    reference: Reference,
    asking: Asking,
  ): Promise<{ readonly stat: ManifestStat; readonly answer: Answer }> {
    const { name, origin } = repository
    const { coordinator, mirror } = this.#options
    let answer: Answer = 'joined'
    const stat = await coordinator.once(`resolve ${formatImage(name, reference)}`, () => {
      answer = 'miss'
      return origin.upstream.resolve(origin.name, reference, asking)
    })
    if (reference.kind === 'tag') await mirror.noteTag(repository, reference.tag, stat.digest)
    return { stat, answer }
  }

  /** A manifest, from the store or by one `GET`, and kept. @throws UpstreamError */
  async load(
    repository: Mirrored,
    reference: Reference,
    asking: Asking,
  ): Promise<{ readonly manifest: StoredManifest; readonly answer: Answer }> {
    const { name, origin } = repository
    const { coordinator, metrics, mirror, stored } = this.#options
    let answer: Answer = 'joined'
    const manifest = await coordinator.once(`manifest ${formatImage(name, reference)}`, async () => {
      // Whoever looked before the last fetch ended and asks after it finds what that has kept.
      const kept = await stored.find(repository, reference)
      answer = kept === undefined ? 'miss' : 'hit'
      if (kept !== undefined) return kept
      const fetched = await origin.upstream.manifest(origin.name, reference, asking)
      metrics.readMeter.pulled('manifest', fetched.bytes.length)
      mirror.keepManifest(repository, fetched, reference.kind === 'tag' ? reference.tag : undefined)
      return fetched
    })
    return { manifest, answer }
  }
}

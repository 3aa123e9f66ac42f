/** What the upstream of the soak has: images of a few layers, some of them shared, whose tags move now and then. */
import { seededContent } from '../../support/bytes.ts'
import type { TestImage } from '../../support/images.ts'
import type { ScriptedUpstream } from '../../support/scripted-upstream.ts'
import { draw } from '../support/draw.ts'

const REPOSITORIES = 40
/** Contents that a tag may have. */
const VERSIONS = 2
const LAYERS = 2
const MIN_LAYER_BYTES = 100_000
/** Size of the largest layer, in bytes. */
export const MAX_LAYER_BYTES = 2_200_000
/** Layers that several images have, as they have their base. */
const BASES = 4
const TAG = 'latest'

/** A repository of the upstream. */
export interface Ship {
  readonly name: string
  readonly tag: string
  readonly versions: readonly TestImage[]
}

/** Everything that can be pulled. */
export class Cargo {
  readonly ships: readonly Ship[]
  /** Bytes of all blobs together. */
  readonly totalBytes: number
  readonly #hub: ScriptedUpstream
  #moves = 0

  constructor(hub: ScriptedUpstream) {
    this.#hub = hub
    const bases = Array.from({ length: BASES }, (_, i) => drawLayer(`base ${i}`))
    this.ships = Array.from({ length: REPOSITORIES }, (_, i) => {
      const name = `soak/ship-${i}`
      const base = bases[i % BASES]!
      const versions = Array.from({ length: VERSIONS }, (_, version) => {
        const seed = `${name} ${version}`
        const layers = [base, ...Array.from({ length: LAYERS }, (_, layer) => drawLayer(`${seed} ${layer}`))]
        return hub.addImage(name, undefined, { seed, layers })
      })
      hub.addManifest(name, TAG, versions[0]!.manifest)
      return { name, tag: TAG, versions }
    })
    const sizes = new Map(
      this.ships.flatMap(({ versions }) =>
        versions.flatMap(({ layers }) => layers.map(({ digest, sizeBytes }) => [digest, sizeBytes] as const)),
      ),
    )
    this.totalBytes = [...sizes.values()].reduce((sum, sizeBytes) => sum + sizeBytes, 0)
  }

  /** Some are pulled much more often than others. */
  choose(seed: string): Ship {
    const share = draw(seed, 0, 1000) / 1000
    return this.ships[Math.floor(share ** 2 * this.ships.length)]!
  }

  /** A tag gets other content. */
  moveTag(): void {
    const { name, tag, versions } = this.choose(`move ${this.#moves}`)
    this.#moves += 1
    this.#hub.addManifest(name, tag, versions[this.#moves % VERSIONS]!.manifest)
  }
}

const drawLayer = (seed: string) => seededContent(draw(seed, MIN_LAYER_BYTES, MAX_LAYER_BYTES), seed)

/** Pushes beside the pulls of the soak: what was answered 201 must be there for good, whatever happened since. */
import { buffer } from 'node:stream/consumers'
import { digestOf } from '../../../src/protocol/digest.ts'
import { makeImage, type TestImage } from '../../support/images.ts'
import { draw } from '../support/draw.ts'
import { getPath } from '../support/get.ts'
import { pushImage } from '../support/upstream/push.ts'
import type { Cargo } from './cargo.ts'

/** Where to; `local.repositories` must list it. */
export const LOCAL = 'team/cargo'

const MAX_LAYER_BYTES = 300_000

/** Those who push. */
export class Pushers {
  /** What was acknowledged, by tag. */
  readonly acknowledged = new Map<string, TestImage>()
  readonly complaints: string[] = []
  /** Pushes that this server acknowledged, and what was read of it here. */
  pushes = 0
  reads = 0
  readonly #cargo: Cargo
  #address = ''
  #isServed = false
  #drawn = 0
  #attempts = 0

  constructor(cargo: Cargo) {
    this.#cargo = cargo
  }

  /** How many pushes were begun. */
  get attempts(): number {
    return this.#attempts
  }

  /** A server has started. */
  board(address: string): void {
    this.#address = address
    this.#isServed = true
    this.pushes = 0
    this.reads = 0
  }

  /** The server is about to end. */
  leave(): void {
    this.#isServed = false
  }

  /** Pushes so many images, one after the other. */
  async push(images: number): Promise<void> {
    for (let i = 0; i < images && this.#isServed; i += 1) await this.#pushOne()
  }

  /** Reads everything that was acknowledged. */
  async verify(): Promise<void> {
    for (const [tag, { manifest, config, layers }] of this.acknowledged) {
      await this.#expect(`manifests/${tag}`, manifest.digest)
      for (const { digest } of [config, ...layers]) await this.#expect(`blobs/${digest}`, digest)
    }
  }

  /** One layer of each is one that the upstream has too: it must stay when the mirror would evict it. */
  async #pushOne(): Promise<void> {
    this.#drawn += 1
    const tag = `push-${this.#drawn}`
    const shared = this.#cargo.choose(tag).versions[0]!.layers.at(-1)!
    const image = makeImage({ seed: tag, layers: [draw(tag, 1000, MAX_LAYER_BYTES), shared] })
    this.#attempts += 1
    try {
      await pushImage({ registry: this.#address, name: LOCAL }, image, tag)
      this.acknowledged.set(tag, image)
      this.pushes += 1
    } catch (error) {
      if (this.#isServed) this.complaints.push(`push of ${tag} failed: ${error}`)
    }
  }

  async #expect(path: string, digest: string): Promise<void> {
    const answer = await getPath(this.#address, `/v2/${LOCAL}/${path}`)
    this.reads += 1
    const found = digestOf(await buffer(answer))
    if (answer.statusCode !== 200 || found !== digest)
      this.complaints.push(`${path} was acknowledged: ${answer.statusCode}, ${found}`)
  }
}

/** One who pulls whatever was acknowledged, whole, and knows what he must get. */
import { setImmediate } from 'node:timers/promises'
import { digestOf } from '../../../src/protocol/digest.ts'
import type { Chance } from './chance.ts'
import type { Entry, Ledger, TagEntry } from './ledger.ts'
import type { Ask } from './wire.ts'

/** Pulls. */
export class ChurnPuller {
  readonly #ask: Ask
  readonly #ledger: Ledger
  readonly #chance: Chance
  #pulled = 0

  constructor(ask: Ask, ledger: Ledger, chance: Chance) {
    this.#ask = ask
    this.#ledger = ledger
    this.#chance = chance
  }

  /** Images that came whole. */
  get pulled(): number {
    return this.#pulled
  }

  /** Pulls one image, by its digest or by a tag. */
  async step(): Promise<void> {
    const there = this.#ledger.entries().filter(({ isThere }) => isThere)
    const tags = this.#ledger.tags().filter(({ target, isMoving }) => target !== undefined && !isMoving)
    if (there.length === 0) return setImmediate()
    if (tags.length > 0 && this.#chance.is(40)) await this.pullTag(this.#chance.of(tags))
    else await this.pull(this.#chance.of(there))
  }

  /** Pulls a manifest and all its blobs; nothing is expected of what is deleted meanwhile. */
  async pull(entry: Entry): Promise<void> {
    const { name, manifest, blobs, changes } = entry
    const isStill = (): boolean => entry.isThere && entry.changes === changes
    const got = await this.#ask('GET', `/v2/${name}/manifests/${manifest.digest}`)
    if (got.status === 200 ? !got.body.equals(manifest.bytes) : isStill())
      this.#ledger.fail(`manifest ${manifest.digest} of ${name}: ${got.status} ${got.body}`)
    for (const digest of blobs) {
      const blob = await this.#ask('GET', `/v2/${name}/blobs/${digest}`)
      if (blob.status === 200 ? digestOf(blob.body) !== digest : isStill())
        this.#ledger.fail(`blob ${digest} of ${name}@${manifest.digest}: ${blob.status}`)
    }
    this.#pulled += 1
  }

  /** Pulls what a tag points at. */
  async pullTag(entry: TagEntry): Promise<void> {
    const { name, tag, target, changes } = entry
    const got = await this.#ask('GET', `/v2/${name}/manifests/${tag}`)
    if (entry.changes !== changes || target === undefined) return
    if (got.status !== 200 || !got.body.equals(target.manifest.bytes))
      this.#ledger.fail(`tag ${name}:${tag}: ${got.status} instead of ${target.manifest.digest}`)
    else await this.pull(target)
  }
}

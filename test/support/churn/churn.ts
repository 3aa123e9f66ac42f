/**
 * Many who push and delete and many who pull, at one registry, all at once: nothing that was acknowledged may be lost,
 * and nothing may be answered with a server's error.
 */
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Digest } from '../../../src/protocol/digest.ts'
import { Chance } from './chance.ts'
import { Ledger } from './ledger.ts'
import { ChurnPuller } from './puller.ts'
import { ChurnPusher } from './pusher.ts'
import { type Ask, watching } from './wire.ts'

const PUSHERS = 16
const PULLERS = 16
/** How often it is looked whether everything is collected, and how long at most beyond what must be waited, in milliseconds. */
const POLL_MS = 100
const COLLECTED_WITHIN_MS = 120_000
/** Pushes that there must have been, however slow the machine is. */
const MIN_PUSHES = 100

/** How to run it; times in milliseconds. */
export interface ChurnOptions {
  readonly ask: Ask
  /** The store's folder. */
  readonly root: string
  /** At least; it goes on until enough has happened. */
  readonly durationMs: number
  /** How long the registry keeps a blob that nothing names. */
  readonly graceMs: number
  readonly seed: number
}

/** How much was done. */
export interface ChurnResult {
  readonly pushed: number
  readonly pulled: number
}

/** Runs it, waits for the collector, and looks at everything. @throws AssertionError */
export const churn = async (options: ChurnOptions): Promise<ChurnResult> => {
  const ledger = new Ledger()
  const result = await play(ledger, options)
  assert.deepEqual(ledger.failures, [])
  await collected(ledger, options)
  await verify(ledger, options)
  return result
}

const play = async (ledger: Ledger, options: ChurnOptions): Promise<ChurnResult> => {
  const ask = watching(options.ask, ledger)
  const chanceOf = (i: number): Chance => new Chance(options.seed * 1000 + i)
  const pushers = Array.from(
    { length: PUSHERS },
    (_, i) => new ChurnPusher(i, ask, ledger, chanceOf(i), options.graceMs),
  )
  const pullers = Array.from(
    { length: PULLERS },
    (_, i) => new ChurnPuller(ask, ledger, chanceOf(PUSHERS + i)),
  )
  const endMs = performance.now() + options.durationMs
  const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0)
  const countPushes = (): number => sum(pushers.map(({ acknowledged }) => acknowledged))
  const run = async (client: { step(): Promise<void> }): Promise<void> => {
    while (ledger.failures.length === 0 && (performance.now() < endMs || countPushes() < MIN_PUSHES))
      await client.step()
  }
  const outcomes = await Promise.allSettled([...pushers, ...pullers].map(run))
  for (const outcome of outcomes) if (outcome.status === 'rejected') ledger.fail(`${outcome.reason.stack}`)
  return { pushed: countPushes(), pulled: sum(pullers.map(({ pulled }) => pulled)) }
}

/** Resolves when the store holds what was promised and nothing else. */
const collected = async (ledger: Ledger, { root, graceMs }: ChurnOptions): Promise<void> => {
  const endMs = performance.now() + graceMs + COLLECTED_WITHIN_MS
  const reachable = ledger.reachable()
  for (;;) {
    const stored = new Set(await listBytes(root))
    const lost = [...reachable].filter((digest) => !stored.has(digest))
    const left = [...stored].filter((digest) => !reachable.has(digest))
    if (lost.length + left.length === 0) return
    if (performance.now() > endMs) assert.deepEqual({ lost, left }, { lost: [], left: [] })
    await sleep(POLL_MS)
  }
}

const listBytes = async (root: string): Promise<Digest[]> => {
  const folder = join(root, 'docker/registry/v2/blobs/sha256')
  const buckets = await Promise.all((await readdir(folder)).map((bucket) => readdir(join(folder, bucket))))
  return buckets.flat().map((hex): Digest => `sha256:${hex}` as Digest)
}

/** Everything that was promised is there, whole; what was deleted is not. */
const verify = async (ledger: Ledger, { ask, seed }: ChurnOptions): Promise<void> => {
  const puller = new ChurnPuller(watching(ask, ledger), ledger, new Chance(seed))
  const looks = [
    ...ledger.entries().map((entry) => async () => {
      if (entry.isThere) await puller.pull(entry)
      else await absent(`/v2/${entry.name}/manifests/${entry.manifest.digest}`, ask, ledger)
    }),
    ...ledger.tags().map((tag) => async () => {
      if (tag.target !== undefined) await puller.pullTag(tag)
      else await absent(`/v2/${tag.name}/manifests/${tag.tag}`, ask, ledger)
    }),
  ].values()
  const look = async (): Promise<void> => {
    for (const each of looks) await each()
  }
  await Promise.all(Array.from({ length: PULLERS }, look))
  assert.deepEqual(ledger.failures, [])
}

const absent = async (path: string, ask: Ask, ledger: Ledger): Promise<void> => {
  const { status } = await ask('GET', path)
  if (status !== 404) ledger.fail(`GET ${path}, which is deleted: ${status}`)
}

/** The scene of the mirror's tests: an upstream, entrepot before it, and no other way out. */
import assert from 'node:assert/strict'
import type { TestImage } from '../../support/images.ts'
import { type Entrepot, startEntrepot } from './entrepot.ts'
import { closeOutside, type Outside } from './outside.ts'
import { type Hub, startHub } from './upstream/hub.ts'
import type { Workspace } from './workspace.ts'

/** The scene. */
export interface Mirror {
  readonly hub: Hub
  readonly entrepot: Entrepot
  readonly outside: Outside
  /** URL of entrepot, for `registry-mirrors` and `hosts.toml`. */
  readonly url: string
}

/** Starts it, with `sections` added to entrepot's configuration, and an account for it at the upstream if any. */
export const startMirror = async (
  workspace: Workspace,
  sections: Readonly<Record<string, unknown>> = {},
  account: { readonly username: string; readonly password: string } | undefined = undefined,
): Promise<Mirror> => {
  const hub = await startHub(workspace)
  const entrepot = await startEntrepot(workspace, {
    sections: { proxy: { remoteurl: hub.url, ...account }, ...sections },
  })
  const outside = await closeOutside(workspace)
  return { hub, entrepot, outside, url: `http://${entrepot.address}` }
}

/** Asserts that each config and layer of `images` was fetched from the upstream's second origin by exactly one GET. */
export const assertFetchedOnce = (hub: Hub, images: readonly TestImage[]): void => {
  const digests = images.flatMap(({ config, layers }) => [config, ...layers]).map(({ digest }) => digest)
  const counts = digests.map((reference) => [
    reference,
    hub.log.count({ kind: 'cdn', method: 'GET', reference }),
  ])
  assert.deepEqual(Object.fromEntries(counts), Object.fromEntries(digests.map((digest) => [digest, 1])))
}

/** Asserts that no client tried to leave so far, and that `pull` does, in vain, when entrepot is not there. */
export const assertNoOtherWay = async (
  { entrepot, outside }: Mirror,
  pull: () => Promise<unknown>,
): Promise<void> => {
  assert.deepEqual([...outside.attempts], [])
  await entrepot.stop()
  await assert.rejects(pull)
  assert.ok(outside.attempts.includes('registry-1.docker.io:443'))
}

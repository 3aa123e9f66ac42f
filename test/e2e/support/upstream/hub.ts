/**
 * A real, token-guarded upstream in the shape of Docker Hub: docker-registry that wants tokens, the service that gives
 * them, and a front that redirects blobs to a second origin on another host.
 *
 *     client ──> front ──> docker-registry        401: go to the token service
 *        └─────> second origin ──> files of docker-registry
 */
import type { TestImage, TestManifest } from '../../../support/images.ts'
import { startDockerRegistry } from '../docker-registry.ts'
import { close, listen } from '../ports.ts'
import type { Workspace } from '../workspace.ts'
import { createCdn } from './cdn.ts'
import { createFront } from './front.ts'
import { type PushTarget, pushImage, pushManifest } from './push.ts'
import { RequestLog } from './request-log.ts'
import { createSigner, createTokenService, ISSUER, SERVICE } from './token-service.ts'

/** A running upstream. */
export interface Hub {
  /** For `proxy.remoteurl`. */
  readonly url: string
  /** Everything that was asked of it, pushes excepted. */
  readonly log: RequestLog
  push(name: string, image: TestImage, tag?: string): Promise<void>
  /** Pushes an index, whose images are there. */
  pushIndex(name: string, index: TestManifest, tag: string): Promise<void>
  /** Stops all of it: the front, the token service, the second origin, docker-registry. */
  stop(): Promise<void>
}

const CDN_HOST = '127.0.0.2'

/** Starts an upstream with its files in the folder `at` of `workspace`. */
export const startHub = async (workspace: Workspace, at = 'hub'): Promise<Hub> => {
  const folder = await workspace.folder(at)
  const log = new RequestLog()
  const signer = await createSigner(folder)
  const tokens = createTokenService(signer, log)
  const realm = `http://${await listen(workspace, tokens)}/token`
  const auth = { token: { realm, service: SERVICE, issuer: ISSUER, rootcertbundle: signer.certificateFile } }
  const registry = await startDockerRegistry(workspace, at, { auth })
  const cdn = createCdn(registry.rootDirectory, log)
  const cdnAddress = await listen(workspace, cdn.server, CDN_HOST)
  const blobUrl = (digest: string): string => `http://${cdnAddress}${cdn.sign(digest)}`
  const front = createFront({ registry: registry.address, blobUrl, log })
  const url = `http://${await listen(workspace, front)}`
  const target = async (name: string): Promise<PushTarget> => {
    const access = [{ type: 'repository', name, actions: ['pull', 'push'] }]
    return { registry: registry.address, name, token: await signer.sign(access, 'owner') }
  }
  const stop = async (): Promise<void> => {
    await Promise.all([close(front), close(cdn.server), close(tokens), registry.stop()])
  }
  return {
    url,
    log,
    push: async (name, image, tag) => pushImage(await target(name), image, tag),
    pushIndex: async (name, index, tag) => pushManifest(await target(name), index, tag),
    stop,
  }
}

/** Puts content into a registry by plain HTTP (distribution-spec 1.1, Pushing), so that no client is needed for it. */
import { Readable } from 'node:stream'
import type { TestBlob, TestImage, TestManifest } from '../../../support/images.ts'

/** Where to push to. */
export interface PushTarget {
  /** `host:port`. */
  readonly registry: string
  /** Repository. */
  readonly name: string
  /** Bearer token; none where the registry is open. */
  readonly token?: string
}

const headersOf = ({ token }: PushTarget): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` }

const send = async (url: URL, init: RequestInit & { duplex?: 'half' }): Promise<Response> => {
  const response = await fetch(url, init)
  const body = await response.text()
  if (!response.ok) throw new Error(`${init.method} ${url.pathname}: ${response.status} ${body}`)
  return response
}

const pushBlob = async (target: PushTarget, blob: TestBlob): Promise<void> => {
  const headers = headersOf(target)
  const start = new URL(`http://${target.registry}/v2/${target.name}/blobs/uploads/`)
  const opened = await send(start, { method: 'POST', headers })
  const upload = new URL(opened.headers.get('location') ?? '', start)
  upload.searchParams.set('digest', blob.digest)
  await send(upload, {
    method: 'PUT',
    headers: { ...headers, 'content-type': 'application/octet-stream' },
    body: Readable.toWeb(blob.stream(0, blob.sizeBytes - 1)) as ReadableStream,
    duplex: 'half',
  })
}

/** Puts a manifest or an index, by tag where one is given. */
export const pushManifest = async (
  target: PushTarget,
  manifest: TestManifest,
  tag?: string,
): Promise<void> => {
  const url = new URL(`http://${target.registry}/v2/${target.name}/manifests/${tag ?? manifest.digest}`)
  const headers = { ...headersOf(target), 'content-type': manifest.mediaType }
  await send(url, { method: 'PUT', headers, body: new Uint8Array(manifest.bytes) })
}

/** Puts an image, layers first. */
export const pushImage = async (target: PushTarget, image: TestImage, tag?: string): Promise<void> => {
  for (const blob of [...image.layers, image.config]) await pushBlob(target, blob)
  await pushManifest(target, image.manifest, tag)
}

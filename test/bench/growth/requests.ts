/** Requests of the cases of growth that change something. */
import { randomBytes } from 'node:crypto'
import { digestOf } from '../../../src/protocol/digest.ts'
import type { Image } from '../image.ts'
import type { Server } from '../servers/server.ts'

export const pushManifest = (
  { url }: Server,
  name: string,
  tag: string,
  { manifest }: Image,
): Promise<Response> =>
  fetch(`${url}/v2/${name}/manifests/${tag}`, {
    method: 'PUT',
    headers: { 'content-type': manifest.mediaType },
    body: new Uint8Array(manifest.bytes),
  })

export const deleteTag = ({ url }: Server, name: string, tag: string): Promise<Response> =>
  fetch(`${url}/v2/${name}/manifests/${tag}`, { method: 'DELETE' })

/** A small blob that nobody has, in one request. */
export const pushBlob = ({ url }: Server, name: string): Promise<Response> => {
  const bytes = randomBytes(1000)
  return fetch(`${url}/v2/${name}/blobs/uploads/?digest=${digestOf(bytes)}`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: new Uint8Array(bytes),
  })
}

export const scrape = async ({ debugUrl }: Server): Promise<Response> => {
  const answer = await fetch(`${debugUrl}/metrics`)
  await answer.text()
  return answer
}

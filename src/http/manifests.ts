/** Manifest endpoints: parse, call, reply. */
import { RegistryError } from '../protocol/error.ts'
import { parseReference } from '../protocol/name.ts'
import type { ManifestPull } from '../pull/manifest.ts'
import type { GuardedRoute } from './guard.ts'
import { isNotModified } from './send.ts'

/** `GET` and `HEAD /v2/<name>/manifests/<reference>` (distribution-spec 1.1, Pulling manifests). */
export const getManifest =
  (pull: ManifestPull): GuardedRoute =>
  async (ctx) => {
    const text = ctx.params.reference ?? ''
    const reference = parseReference(text)
    // The specification asks for 404 here, not 400: what is neither tag nor digest cannot be there.
    if (reference === undefined)
      throw new RegistryError('MANIFEST_UNKNOWN', { detail: { reference: text.slice(0, 160) } })
    const isHead = ctx.method === 'HEAD'
    const { digest, mediaType, sizeBytes, bytes, warning } = await pull.get(
      ctx.state.repository,
      reference,
      isHead,
    )
    ctx.set('Docker-Content-Digest', digest)
    ctx.set('ETag', `"${digest}"`)
    if (warning !== undefined) ctx.set('Warning', warning)
    if (isNotModified(ctx.get('If-None-Match'), digest)) {
      ctx.status = 304
      return
    }
    ctx.status = 200
    ctx.set('Content-Type', mediaType)
    if (sizeBytes !== undefined) ctx.set('Content-Length', String(sizeBytes))
    if (!isHead) ctx.body = bytes
  }

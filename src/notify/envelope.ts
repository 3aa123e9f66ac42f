/** An event as distribution sends it: one in an envelope of JSON (protocol.md §11.2). Pure. */
import { type Descriptor, type Manifest, parseManifest } from '../protocol/manifest.ts'
import type { EventRequest, RegistryEvent } from './event.ts'

/**
 * Media type of an envelope: that of `registry:2`. 3.x says `v2` for the same document; who needs that sets
 * `Content-Type` among the headers of the endpoint.
 */
export const ENVELOPE_MEDIA_TYPE = 'application/vnd.docker.distribution.events.v1+json'

/** Which server tells it. */
export interface EventSource {
  /** `host:port`. */
  readonly addr: string
  /** Random, one for each start. */
  readonly instanceID: string
}

/** What an event has besides itself. */
export interface EventStamp {
  readonly id: string
  readonly requestId: string
  /** ISO 8601, in UTC. */
  readonly timestamp: string
  readonly source: EventSource
  /** Whether a manifest's event lists what it names. */
  readonly includesReferences: boolean
}

const referencesIn = (manifest: Manifest): readonly Descriptor[] => {
  if (manifest.kind === 'index') return manifest.manifests
  return manifest.kind === 'image' ? [manifest.config, ...manifest.layers] : manifest.layers
}

const formatDescriptor = ({ mediaType, digest, sizeBytes, urls, platform }: Descriptor) => ({
  mediaType,
  digest,
  size: sizeBytes,
  ...(urls !== undefined && { urls }),
  ...(platform !== undefined && { platform }),
})

/** What a manifest names; nothing where only its clients understand it. */
const readReferences = (bytes: Uint8Array) => {
  try {
    return referencesIn(parseManifest(bytes)).map(formatDescriptor)
  } catch {
    return []
  }
}

/** A deletion tells no more than what is gone. */
const urlOf = ({ action, digest, repository, type }: RegistryEvent, baseUrl: string): string | undefined =>
  action === 'delete' || digest === undefined
    ? undefined
    : `${baseUrl}v2/${repository}/${type === 'blob' ? 'blobs' : 'manifests'}/${digest}`

/** The body of a notification. */
export const formatEnvelope = (event: RegistryEvent, request: EventRequest, stamp: EventStamp): string => {
  const { action, mediaType, digest, sizeBytes, repository, fromRepository, tag, manifest } = event
  const references = stamp.includesReferences && manifest !== undefined ? readReferences(manifest) : undefined
  const { id, timestamp, source, requestId } = stamp
  const { address, host, method, userAgent, account } = request
  // What is undefined is left out by JSON.stringify.
  const told = {
    id,
    timestamp,
    action,
    target: {
      mediaType,
      digest,
      size: sizeBytes,
      length: sizeBytes,
      repository,
      fromRepository,
      url: urlOf(event, request.baseUrl),
      tag,
      references,
    },
    request: { id: requestId, addr: address, host, method, useragent: userAgent },
    actor: account === '' ? {} : { name: account },
    source,
  }
  return JSON.stringify({ events: [told] })
}

/**
 * Manifests and indexes as far as a registry reads them (image-spec 1.1, Image Manifest and Image Index): what they
 * name, and which media type they have. Bytes are never re-serialised; unknown fields and types are fine.
 */
import { type Digest, isDigest } from './digest.ts'
import { RegistryError } from './error.ts'

/** The media types that a registry tells apart. */
export const MEDIA_TYPES = {
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  schema1: 'application/vnd.docker.distribution.manifest.v1+json',
  schema1Signed: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
} as const

/** Largest manifest that is stored or fetched, in bytes: what clients take at most. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024

/** Most descriptors that one manifest may hold: a bound on the work that one document can ask for. */
const MAX_DESCRIPTORS = 50_000

/** A pointer to other content (image-spec, Descriptors). Fields that nobody reads here are not kept. */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  readonly sizeBytes: number
  readonly artifactType?: string
  readonly urls?: readonly string[]
  readonly platform?: Platform
}

/** `platform` of an index entry. */
export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

/** What a manifest names, by kind. */
export type Manifest = {
  readonly mediaType: string
  readonly artifactType: string | undefined
  readonly subject: Descriptor | undefined
  readonly annotations: Readonly<Record<string, string>> | undefined
} & (
  | { readonly kind: 'image'; readonly config: Descriptor; readonly layers: readonly Descriptor[] }
  | { readonly kind: 'index'; readonly manifests: readonly Descriptor[] }
  | { readonly kind: 'schema1'; readonly layers: readonly Descriptor[] }
)

type Json = Readonly<Record<string, unknown>>

const invalid = (message: string, detail?: unknown): never => {
  throw new RegistryError('MANIFEST_INVALID', { message: `manifest invalid: ${message}`, detail })
}

const asObject = (value: unknown, where: string): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Json)
    : invalid(`${where} is not an object`)

const asText = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

const readPlatform = (value: unknown): Platform | undefined => {
  if (typeof value !== 'object' || value === null) return undefined
  const { os, architecture, variant } = value as Json
  const named = { os: asText(os) ?? '', architecture: asText(architecture) ?? '' }
  return typeof variant === 'string' && variant !== '' ? { ...named, variant } : named
}

const readDescriptor = (value: unknown, where: string): Descriptor => {
  const fields = asObject(value, where)
  const { digest, size, urls } = fields
  if (typeof digest !== 'string' || !isDigest(digest))
    return invalid(`${where}.digest is not a supported digest`)
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    return invalid(`${where}.size is not a number of bytes`)
  const artifactType = asText(fields.artifactType)
  const platform = readPlatform(fields.platform)
  return {
    mediaType: asText(fields.mediaType) ?? '',
    digest,
    sizeBytes: size,
    ...(artifactType !== undefined && { artifactType }),
    ...(platform !== undefined && { platform }),
    ...(Array.isArray(urls) && urls.length > 0 && { urls: urls.filter((url) => typeof url === 'string') }),
  }
}

const readDescriptors = (value: unknown, where: string): Descriptor[] => {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) return invalid(`${where} is not a list`)
  if (value.length > MAX_DESCRIPTORS) return invalid(`${where} has more than ${MAX_DESCRIPTORS} entries`)
  return value.map((entry, i) => readDescriptor(entry, `${where}[${i}]`))
}

const readAnnotations = (value: unknown): Record<string, string> | undefined => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const texts = Object.entries(value).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  return texts.length === 0 ? undefined : Object.fromEntries(texts)
}

const parseJson = (bytes: Uint8Array): Json => {
  try {
    return asObject(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)), 'the document')
  } catch (cause) {
    if (cause instanceof RegistryError) throw cause
    return invalid('not JSON')
  }
}

// A type that is no media type (RFC 6838, 4.2) would break the header that it is sent in.
const MEDIA_TYPE = /^[a-z0-9][\w!#$&^.+-]{0,126}\/[a-z0-9][\w!#$&^.+-]{0,126}$/i

const isMediaType = (value: unknown): value is string => typeof value === 'string' && MEDIA_TYPE.test(value)

/** Which kinds of document the fields speak of. `null` counts as absent: Go clients write it for an empty list. */
const kindsOf = ({ manifests, config, layers, fsLayers }: Json): Manifest['kind'][] => [
  ...(manifests != null ? (['index'] as const) : []),
  ...(config != null || layers != null ? (['image'] as const) : []),
  ...(fsLayers != null ? (['schema1'] as const) : []),
]

/** The media type of a document: its own word, else what its fields say (image-spec leaves `mediaType` out). */
const sniffMediaType = (document: Json): string => {
  if (isMediaType(document.mediaType)) return document.mediaType
  const [kind] = kindsOf(document)
  if (kind === 'index') return MEDIA_TYPES.ociIndex
  if (kind === 'image') return MEDIA_TYPES.ociManifest
  if (kind === undefined) return ''
  return document.signatures == null ? MEDIA_TYPES.schema1 : MEDIA_TYPES.schema1Signed
}

/** Whether a manifest of this type is an index of others. */
export const isIndexType = (mediaType: string): boolean =>
  mediaType === MEDIA_TYPES.ociIndex || mediaType === MEDIA_TYPES.dockerList

const isImageType = (mediaType: string): boolean =>
  mediaType === MEDIA_TYPES.ociManifest || mediaType === MEDIA_TYPES.dockerManifest

const readSchema1Layers = (value: unknown): Descriptor[] =>
  (Array.isArray(value) ? value : []).flatMap((layer: unknown) => {
    const digest = (layer as Json | null)?.blobSum
    // Schema 1 does not tell sizes: 0 stands for "not known", and nothing of it is ever prefetched.
    return typeof digest === 'string' && isDigest(digest) ? [{ mediaType: '', digest, sizeBytes: 0 }] : []
  })

/** The one kind that a document is of; refuses what could be read as two (type confusion). */
const kindOf = (document: Json, mediaType: string): Manifest['kind'] => {
  const kinds = kindsOf(document)
  if (kinds.length > 1)
    return invalid(`it is both an ${kinds.join(' and an ')}: config and layers, manifests, or fsLayers`)
  const kind = kinds[0] ?? (isIndexType(mediaType) ? 'index' : 'image')
  if (kind !== 'index' && isIndexType(mediaType))
    return invalid(`config and layers do not belong in ${mediaType}`)
  if (kind !== 'image' && isImageType(mediaType)) return invalid(`it is no image, as ${mediaType} is`)
  const schemaVersion = kind === 'schema1' ? 1 : 2
  if (document.schemaVersion !== schemaVersion) return invalid(`schemaVersion is not ${schemaVersion}`)
  return kind
}

/**
 * Reads a manifest of any kind.
 * @param bytes the document, as it travels
 * @throws RegistryError `MANIFEST_INVALID`: not JSON, a wrong shape, or both an image and an index (type confusion)
 */
export const parseManifest = (bytes: Uint8Array): Manifest => {
  const document = parseJson(bytes)
  const named = document.mediaType ?? ''
  if (named !== '' && !isMediaType(named)) return invalid('mediaType is not a media type')
  const mediaType = sniffMediaType(document)
  const kind = kindOf(document, mediaType)
  const nothing = { artifactType: undefined, subject: undefined, annotations: undefined }
  if (kind === 'schema1') return { ...nothing, kind, mediaType, layers: readSchema1Layers(document.fsLayers) }
  const common = {
    mediaType,
    artifactType: asText(document.artifactType),
    subject: document.subject == null ? undefined : readDescriptor(document.subject, 'subject'),
    annotations: readAnnotations(document.annotations),
  }
  if (kind === 'index')
    return { ...common, kind, manifests: readDescriptors(document.manifests, 'manifests') }
  const config = readDescriptor(document.config, 'config')
  return { ...common, kind, config, layers: readDescriptors(document.layers, 'layers') }
}

/**
 * The media type of stored bytes, which the layout on disk does not record; empty where nothing tells.
 * @throws RegistryError `MANIFEST_INVALID` where the bytes are no JSON object
 */
export const mediaTypeOf = (bytes: Uint8Array): string => sniffMediaType(parseJson(bytes))

/** Whether a layer's bytes are never pushed and never fetched by a registry (foreign, non-distributable). */
export const isForeignLayer = ({ mediaType }: Descriptor): boolean =>
  mediaType.includes('.foreign.') || mediaType.includes('.nondistributable.')

/** The blobs (not the manifests) that a manifest names: config first, then layers in order, each once. */
export const blobsOf = (manifest: Manifest): Descriptor[] => {
  const all =
    manifest.kind === 'index'
      ? []
      : manifest.kind === 'image'
        ? [manifest.config, ...manifest.layers]
        : manifest.layers
  return [...new Map(all.map((descriptor) => [descriptor.digest, descriptor])).values()]
}

/**
 * What a pushed manifest must be (protocol.md §4.3): of the type that the request says, and made of what its repository
 * has. Layers of a foreign or non-distributable type with `urls` need not be there; nobody here ever fetches them.
 */
import type { Digest } from '../protocol/digest.ts'
import { type ErrorEntry, RegistryError } from '../protocol/error.ts'
import {
  blobsOf,
  type Descriptor,
  isForeignLayer,
  type Manifest,
  type Platform,
  parseManifest,
} from '../protocol/manifest.ts'

/** Entries of an error at most: a manifest can name thousands. */
const MAX_ENTRIES = 100
/** Look-ups under way at once for one manifest. */
const LANES = 16

/** `validation` of the configuration. */
export interface ValidationRules {
  /** Takes manifests whose blobs, children and URLs are not as they should be. */
  readonly isDisabled: boolean
  /** Patterns of URLs that foreign layers may have, and of those that they must not have; neither: any. */
  readonly allowUrls: readonly RegExp[]
  readonly denyUrls: readonly RegExp[]
  /** Which children of an index must be there: all, none, or those of the listed platforms. */
  readonly platforms: 'all' | 'none' | readonly Pick<Platform, 'os' | 'architecture'>[]
}

/** What a repository has. */
export interface Presence {
  hasBlob(digest: Digest): Promise<boolean>
  hasManifest(digest: Digest): Promise<boolean>
}

const invalid = (message: string, detail?: unknown): RegistryError =>
  new RegistryError('MANIFEST_INVALID', { message: `manifest invalid: ${message}`, detail })

/**
 * Reads a manifest that is to be stored.
 * @param contentType the request's, empty where it has none; parameters do not count
 * @throws RegistryError `MANIFEST_INVALID`
 */
export const readPushed = (bytes: Uint8Array, contentType: string): Manifest => {
  const manifest = parseManifest(bytes)
  if (manifest.kind === 'schema1')
    throw invalid('schema 1 is not taken; push schema 2 or OCI, as every client since 2016 can')
  const said = contentType.split(';')[0]?.trim().toLowerCase() ?? ''
  if (said !== '' && said !== manifest.mediaType.toLowerCase())
    throw invalid(`the request says ${said.slice(0, 255)}, the document is ${manifest.mediaType}`)
  return manifest
}

/** What a manifest must find in its repository. */
const requiredBy = (manifest: Manifest, { platforms }: ValidationRules): readonly Descriptor[] => {
  if (manifest.kind !== 'index')
    return blobsOf(manifest).filter((layer) => !(isForeignLayer(layer) && layer.urls !== undefined))
  if (platforms === 'all') return manifest.manifests
  if (platforms === 'none') return []
  return manifest.manifests.filter(({ platform }) =>
    platforms.some(({ os, architecture }) => platform?.os === os && platform.architecture === architecture),
  )
}

/** Every digest that a manifest names, apart from its subject, which need not be there. */
export const namedBy = (manifest: Manifest): Digest[] =>
  (manifest.kind === 'index' ? manifest.manifests : blobsOf(manifest)).map(({ digest }) => digest)

/**
 * Checks that a manifest's content is there, and that URLs of foreign layers are allowed.
 * @throws RegistryError `MANIFEST_BLOB_UNKNOWN` with an entry for each that is missing, `MANIFEST_INVALID`
 */
export const validate = async (
  manifest: Manifest,
  presence: Presence,
  rules: ValidationRules,
): Promise<void> => {
  if (rules.isDisabled) return
  if (manifest.kind !== 'index') checkUrls(blobsOf(manifest), rules)
  const waiting = [...new Set(requiredBy(manifest, rules).map(({ digest }) => digest))]
  const missing: Digest[] = []
  const look = async (): Promise<void> => {
    for (let digest = waiting.shift(); digest !== undefined; digest = waiting.shift()) {
      const isThere = await (manifest.kind === 'index'
        ? presence.hasManifest(digest)
        : presence.hasBlob(digest))
      if (!isThere) missing.push(digest)
    }
  }
  await Promise.all(Array.from({ length: LANES }, look))
  if (missing.length > 0) throw missingError(missing)
}

const missingError = (missing: readonly Digest[]): RegistryError => {
  const message = 'manifest references a manifest or blob unknown to this repository'
  const [first, ...more] = missing
    .slice(0, MAX_ENTRIES)
    .map((digest): ErrorEntry => ({ code: 'MANIFEST_BLOB_UNKNOWN', message, detail: { digest } }))
  return new RegistryError('MANIFEST_BLOB_UNKNOWN', { message, detail: first?.detail, more })
}

const checkUrls = (layers: readonly Descriptor[], { allowUrls, denyUrls }: ValidationRules): void => {
  for (const layer of layers.filter(isForeignLayer))
    for (const url of layer.urls ?? []) {
      const isAllowed = allowUrls.length === 0 || allowUrls.some((pattern) => pattern.test(url))
      const isDenied = denyUrls.some((pattern) => pattern.test(url))
      if (!isHttpUrl(url) || !isAllowed || isDenied)
        throw invalid(
          `the URL ${url.slice(0, 255)} of layer ${layer.digest} is not allowed: see validation.manifests.urls`,
        )
    }
}

const isHttpUrl = (text: string): boolean => {
  if (!URL.canParse(text)) return false
  const { protocol, hash } = new URL(text)
  return (protocol === 'http:' || protocol === 'https:') && hash === ''
}

/**
 * Repository names, tags and references (distribution-spec 1.1, Pulling manifests). Branded strings that only these
 * parsers make, so that nothing unchecked becomes a path or an upstream URL.
 */
import { type Digest, parseDigest } from './digest.ts'
import { RegistryError } from './error.ts'

/** A repository name within the grammar, at most 255 characters. */
export type RepositoryName = string & { readonly __brand: 'RepositoryName' }

/** A tag within the grammar, 1 to 128 characters. */
export type Tag = string & { readonly __brand: 'Tag' }

/** What the last component of a manifest URL means: a reference is a digest exactly when it has a colon. */
export type Reference =
  | { readonly kind: 'tag'; readonly tag: Tag }
  | { readonly kind: 'digest'; readonly digest: Digest }

/** Longest repository name, in characters: what Go clients and distribution accept. */
const MAX_NAME_LENGTH = 255

const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/

/** Whether `text` is a repository name. */
export const isRepositoryName = (text: string): text is RepositoryName =>
  text.length <= MAX_NAME_LENGTH && text.split('/').every((component) => COMPONENT.test(component))

/**
 * The repository name written in `text`.
 * @throws RegistryError `NAME_INVALID`
 */
export const parseRepositoryName = (text: string): RepositoryName => {
  if (isRepositoryName(text)) return text
  throw new RegistryError('NAME_INVALID', {
    message:
      'invalid repository name: use lower-case letters, digits and single separators, at most 255 characters',
    detail: { name: text.slice(0, 300) },
  })
}

/** Whether `text` is a tag. */
export const isTag = (text: string): text is Tag => TAG.test(text)

/**
 * The tag written in `text`.
 * @throws RegistryError `TAG_INVALID`
 */
export const parseTag = (text: string): Tag => {
  if (isTag(text)) return text
  throw new RegistryError('TAG_INVALID', {
    message: 'invalid tag: use 1 to 128 letters, digits, dots, dashes and underscores',
    detail: { tag: text.slice(0, 160) },
  })
}

/**
 * The reference written in `text`, or `undefined` where it is neither a tag nor a digest by form.
 * @throws RegistryError `DIGEST_INVALID` where it has a colon and is no digest that entrepot can verify
 */
export const parseReference = (text: string): Reference | undefined => {
  if (text.includes(':')) return { kind: 'digest', digest: parseDigest(text) }
  return isTag(text) ? { kind: 'tag', tag: text } : undefined
}

/** A reference as it stands in a URL. */
export const formatReference = (reference: Reference): string =>
  reference.kind === 'tag' ? reference.tag : reference.digest

/** A repository and a reference as people write them: `name:tag` or `name@digest`. For messages and logs. */
export const formatImage = (name: string, reference: Reference): string =>
  reference.kind === 'tag' ? `${name}:${reference.tag}` : `${name}@${reference.digest}`

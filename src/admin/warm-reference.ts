/** What is to be fetched ahead, as people write it: `alpine:3`, `ghcr.io/org/app:v*`, `team/app@sha256:…`. Pure. */
import picomatch from 'picomatch'
import { RegistryError } from '../protocol/error.ts'
import { parseReference, type Reference, type Tag } from '../protocol/name.ts'

/** One line of a list, taken apart. */
export interface WarmReference {
  /** As it was written. */
  readonly text: string
  /** Name of the repository, as a client would ask for it. */
  readonly name: string
  /** What of it; a glob means all tags that fit. */
  readonly wanted: Reference | { readonly kind: 'glob'; readonly fits: (tag: Tag) => boolean }
}

/** Longest line, in characters: name, tag and digest. */
const MAX_LENGTH = 512

const LINE = /^(?<name>[^\s:@]+)(?::(?<tag>[^\s:@/]+))?(?:@(?<digest>[^\s@]+))?$/

/** Characters of a glob that stand for others. */
const WILDCARD = /[*?{}[\]!]/

/**
 * Takes a line apart. Without a tag and a digest it is the tag `latest`; a digest counts more than a tag.
 * @throws RegistryError `NAME_INVALID`, `TAG_INVALID`, `DIGEST_INVALID`
 */
export const parseWarmReference = (text: string): WarmReference => {
  const { name, tag = 'latest', digest } = LINE.exec(text)?.groups ?? {}
  if (name === undefined || text.length > MAX_LENGTH)
    throw new RegistryError('NAME_INVALID', {
      message: `${JSON.stringify(text.slice(0, 100))} is no reference such as library/alpine:3 or ghcr.io/org/app:v*`,
    })
  if (digest === undefined && WILDCARD.test(tag)) {
    const matches = picomatch(tag)
    return { text, name, wanted: { kind: 'glob', fits: (each) => matches(each) } }
  }
  const wanted = parseReference(digest ?? tag)
  if (wanted === undefined)
    throw new RegistryError('TAG_INVALID', { message: `${text}: ${tag.slice(0, 160)} is no tag` })
  return { text, name, wanted }
}

/**
 * What must hold before a tag moves or goes: the conditions that a request names (`If-Match`, `If-None-Match`, RFC 9110,
 * 13.1), so that two pushers cannot overwrite each other unawares, and tags that were pushed for good.
 */
import picomatch from 'picomatch'
import type { Digest } from '../protocol/digest.ts'
import { RegistryError } from '../protocol/error.ts'
import { formatImage, type Reference, type RepositoryName, type Tag } from '../protocol/name.ts'

/** The conditions of a request; empty where it names none. */
export interface Conditions {
  /** Entity tags that the current content must have one of, or `*`: there must be some. */
  readonly ifMatch: string
  /** Entity tags that it must not have, or `*`: there must be none. */
  readonly ifNoneMatch: string
}

const names = (header: string, digest: Digest | undefined): boolean =>
  digest !== undefined &&
  header.split(',').some((part) => {
    const tag = part.trim().replace(/^W\//, '').replaceAll('"', '')
    return tag === '*' || tag === digest
  })

/**
 * Checks the conditions of a request.
 * @param current what the reference stands for now; `undefined`: nothing
 * @throws RegistryError with status 412
 */
export const checkConditions = (
  { ifMatch, ifNoneMatch }: Conditions,
  name: RepositoryName,
  reference: Reference,
  current: Digest | undefined,
): void => {
  const isMet =
    (ifMatch === '' || names(ifMatch, current)) && (ifNoneMatch === '' || !names(ifNoneMatch, current))
  if (isMet) return
  throw new RegistryError('DENIED', {
    status: 412,
    message: `${formatImage(name, reference)} is ${current ?? 'not there'}: the condition of the request does not hold`,
    detail: { current },
  })
}

/** `local.immutabletags`: tags of repositories, both as globs. */
export interface ImmutableRule {
  readonly repositories: readonly string[]
  readonly tags: readonly string[]
}

/** Tells whether a tag, once pushed, stays as it is. */
export type IsImmutable = (name: RepositoryName, tag: Tag) => boolean

/** Compiles the rules once. */
export const createImmutable = (rules: readonly ImmutableRule[]): IsImmutable => {
  const compiled = rules.map(({ repositories, tags }) => ({
    fitsName: picomatch([...repositories]),
    fitsTag: picomatch([...tags]),
  }))
  return (name, tag) => compiled.some(({ fitsName, fitsTag }) => fitsName(name) && fitsTag(tag))
}

/** The refusal to move or delete an immutable tag. */
export const immutable = (name: RepositoryName, tag: Tag): RegistryError =>
  new RegistryError('DENIED', {
    message: `${name}:${tag} is there for good: local.immutabletags lists it`,
    detail: { Tag: tag },
  })

/** Manifest endpoints: parse, call, reply. */
import type { Digest } from '../protocol/digest.ts'
import { RegistryError } from '../protocol/error.ts'
import { MAX_MANIFEST_BYTES } from '../protocol/manifest.ts'
import { parseReference, parseTag, type Reference, type RepositoryName, type Tag } from '../protocol/name.ts'
import type { ManifestPull } from '../pull/manifest.ts'
import type { Claims } from '../push/claim.ts'
import type { Deletes } from '../push/delete.ts'
import type { ManifestPush } from '../push/manifest.ts'
import type { Repository } from '../repository.ts'
import { readBody } from './body.ts'
import type { Context, GuardedContext } from './context.ts'
import type { Notify } from './events.ts'
import type { GuardedRoute } from './guard.ts'
import type { Label } from './measure.ts'
import type { GivenManifest, RememberedManifest, Repeats } from './repeats.ts'
import { type Locate, replyAtOnce, replyEmpty } from './reply.ts'
import { isNotModified } from './send.ts'

/** Most tags that one manifest is given in a request. */
const MAX_TAGS = 100

const tagOf = (reference: Reference): Tag | undefined =>
  reference.kind === 'tag' ? reference.tag : undefined

/** What reads of manifests work with. */
export interface ManifestReads {
  readonly pull: ManifestPull
  readonly repeats: Repeats
  readonly notify: Notify
  readonly label: Label
}

/** Answers with a manifest. */
const giveManifest = (ctx: GuardedContext, { reference, pulled }: GivenManifest, notify: Notify): void => {
  const { digest, mediaType, sizeBytes, bytes, answer, warning } = pulled
  ctx.state.answer = answer
  const fields = ['Docker-Content-Digest', digest, 'ETag', `"${digest}"`]
  if (warning !== undefined) fields.push('Warning', warning)
  if (isNotModified(ctx, digest)) {
    replyAtOnce(ctx, 304, fields, undefined)
    return
  }
  fields.push('Content-Type', mediaType)
  if (sizeBytes !== undefined) fields.push('Content-Length', String(sizeBytes))
  const isHead = ctx.req.method === 'HEAD'
  replyAtOnce(ctx, 200, fields, isHead ? undefined : bytes)
  if (isHead) return
  const tag = tagOf(reference)
  notify(ctx, { action: 'pull', type: 'manifest', digest, tag, mediaType, sizeBytes, manifest: bytes })
}

/** `GET` and `HEAD /v2/<name>/manifests/<reference>` (distribution-spec 1.1, Pulling manifests). */
export const getManifest =
  ({ pull, repeats, notify }: ManifestReads): GuardedRoute =>
  async (ctx) => {
    const text = ctx.params.reference ?? ''
    const reference = parseReference(text)
    // The specification asks for 404 here, not 400: what is neither tag nor digest cannot be there.
    if (reference === undefined)
      throw new RegistryError('MANIFEST_UNKNOWN', { detail: { reference: text.slice(0, 160) } })
    const { repository } = ctx.state
    const pulled = await pull.get(repository, reference, ctx.method === 'HEAD')
    const given = { repository, reference, pulled }
    repeats.remember(ctx, given)
    giveManifest(ctx, given, notify)
  }

/** The same with what was given just before. */
export const repeatManifest =
  ({ pull, notify, label }: ManifestReads) =>
  (ctx: Context, given: RememberedManifest): void => {
    const { repository, reference, pulled } = given
    ctx.state.repository = repository
    ctx.state.identity = given.identity
    label(ctx, 'manifest')
    pull.noteRepeat(repository, reference, pulled, ctx.req.method === 'HEAD')
    giveManifest(ctx as GuardedContext, given, notify)
  }

/** A reference that is written to. @throws RegistryError `DIGEST_INVALID`, `TAG_INVALID` */
const writtenReference = (ctx: GuardedContext): Reference => {
  const text = ctx.params.reference ?? ''
  return parseReference(text) ?? { kind: 'tag', tag: parseTag(text) }
}

/** `?tag=` of a push by digest, once or several times. @throws RegistryError `TAG_INVALID`, 414 */
const readTags = (ctx: GuardedContext, reference: Reference): Tag[] => {
  const asked = ctx.query.tag
  if (asked === undefined || reference.kind === 'tag') return []
  const tags = [...new Set(typeof asked === 'string' ? [asked] : asked)]
  if (tags.length > MAX_TAGS)
    throw new RegistryError('TAG_INVALID', {
      status: 414,
      message: `too many tags in one request: at most ${MAX_TAGS}`,
    })
  return tags.map(parseTag)
}

const tooLarge = (): RegistryError =>
  new RegistryError('MANIFEST_INVALID', {
    status: 413,
    message: `manifest invalid: it is larger than ${MAX_MANIFEST_BYTES} bytes`,
  })

/** A `DELETE` of what is mirrored: the content can be had again, so that it is a purge. */
export interface PurgeRoute {
  /** Whether an account may do that; empty: anonymous. */
  mayPurge(account: string): boolean
  /** @throws RegistryError `MANIFEST_UNKNOWN`, `NAME_UNKNOWN`, `DENIED` */
  purge(name: RepositoryName, reference: Reference): Promise<void>
}

/** What writing manifests works with. */
export interface ManifestRoutesOptions {
  readonly push: ManifestPush
  readonly deletes: Deletes
  readonly purge: PurgeRoute
  readonly claims: Claims
  readonly locate: Locate
  readonly notify: Notify
}

/** `PUT /v2/<name>/manifests/<reference>[?tag=…]` (distribution-spec 1.1, Pushing manifests). */
export const putManifest =
  ({ push, claims, locate, notify }: ManifestRoutesOptions): GuardedRoute =>
  async (ctx) => {
    claims.requirePush()
    const reference = writtenReference(ctx)
    const bytes = await readBody(ctx.req, MAX_MANIFEST_BYTES, tooLarge)
    const { digest, mediaType, sizeBytes, subject, tags } = await push.put(ctx.state.repository, {
      reference,
      tags: readTags(ctx, reference),
      bytes,
      contentType: ctx.get('Content-Type'),
      conditions: { ifMatch: ctx.get('If-Match'), ifNoneMatch: ctx.get('If-None-Match') },
    })
    ctx.set({ Location: locate(ctx, `manifests/${digest}`), 'Docker-Content-Digest': digest })
    if (subject !== undefined) ctx.set('OCI-Subject', subject)
    if (tags.length > 0) ctx.set('OCI-Tag', tags.join(', '))
    const pushed = {
      action: 'push',
      type: 'manifest',
      digest,
      mediaType,
      sizeBytes,
      manifest: bytes,
    } as const
    for (const tag of tags.length > 0 ? tags : [tagOf(reference)]) notify(ctx, { ...pushed, tag })
    replyEmpty(ctx, 201)
  }

/** Deletes a tag, or a manifest with its tags. @returns what is gone, for those who are told */
const deleteReferenced = async (
  deletes: Deletes,
  repository: Repository,
  reference: Reference,
): Promise<{ digest: Digest | undefined; tag: Tag | undefined }[]> => {
  if (reference.kind === 'tag') {
    await deletes.deleteTag(repository, reference.tag)
    return [{ digest: undefined, tag: reference.tag }]
  }
  const tags = await deletes.deleteManifest(repository, reference.digest)
  return [{ digest: reference.digest, tag: undefined }, ...tags.map((tag) => ({ digest: undefined, tag }))]
}

/** `DELETE /v2/<name>/manifests/<reference>` (distribution-spec 1.1, Deleting tags, Deleting manifests). */
export const deleteManifest =
  ({ deletes, purge, notify }: ManifestRoutesOptions): GuardedRoute =>
  async (ctx) => {
    const reference = writtenReference(ctx)
    const { repository, identity } = ctx.state
    if (repository.kind === 'mirrored' && purge.mayPurge(identity?.account ?? '')) {
      await purge.purge(repository.name, reference)
      return replyEmpty(ctx, 202)
    }
    for (const target of await deleteReferenced(deletes, repository, reference))
      notify(ctx, {
        action: 'delete',
        type: 'manifest',
        ...target,
        mediaType: undefined,
        sizeBytes: undefined,
      })
    replyEmpty(ctx, 202)
  }

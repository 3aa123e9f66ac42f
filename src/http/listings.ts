/** Lists: tags, referrers, and the catalog. Parse, call, reply. */
import { parseDigest } from '../protocol/digest.ts'
import { formatNextLink } from '../protocol/link.ts'
import { MEDIA_TYPES } from '../protocol/manifest.ts'
import { cutPage, parsePage } from '../protocol/page.ts'
import { cutReferrers, filterReferrers, formatReferrers } from '../protocol/referrers.ts'
import type { Catalog, CatalogKind } from '../pull/catalog.ts'
import type { ListingPull } from '../pull/listing.ts'
import { queryValue } from './context.ts'
import type { AdmittedRoute, GuardedRoute } from './guard.ts'

/** Entries of a page of the catalog where the client does not say, as in distribution. */
const CATALOG_PAGE = 100

/** `GET /v2/<name>/tags/list` (distribution-spec 1.1, Listing Tags). */
export const listTags =
  (pull: ListingPull, maxTags: number): GuardedRoute =>
  async (ctx) => {
    const request = parsePage(ctx.query, { defaultLimit: undefined, maxLimit: maxTags })
    const { entries, warning } = await pull.tags(ctx.state.repository, request.after !== undefined)
    const { items, next } = cutPage(entries, request)
    if (warning !== undefined) ctx.set('Warning', warning)
    if (next !== undefined)
      ctx.set(
        'Link',
        formatNextLink(ctx.path, { last: next, n: request.limit, ns: queryValue(ctx.query.ns) }),
      )
    ctx.set('Content-Type', 'application/json')
    ctx.body = JSON.stringify({ name: ctx.params.name, tags: items })
  }

/** `GET /v2/<name>/referrers/<digest>` (distribution-spec 1.1, Listing Referrers): never a 404. */
export const listReferrers =
  (pull: ListingPull): GuardedRoute =>
  async (ctx) => {
    const subject = parseDigest(ctx.params.digest ?? '')
    const wanted = ctx.query.artifactType
    const types = wanted === undefined ? [] : typeof wanted === 'string' ? [wanted] : wanted
    const after = queryValue(ctx.query.last)
    const { entries, warning } = await pull.referrers(ctx.state.repository, subject, {
      after,
      artifactTypes: types,
    })
    const { items, next } = cutReferrers(filterReferrers(entries, types), after)
    if (warning !== undefined) ctx.set('Warning', warning)
    if (types.length > 0) ctx.set('OCI-Filters-Applied', 'artifactType')
    if (next !== undefined)
      ctx.set(
        'Link',
        formatNextLink(ctx.path, { artifactType: types, last: next, ns: queryValue(ctx.query.ns) }),
      )
    ctx.set('Content-Type', MEDIA_TYPES.ociIndex)
    ctx.body = formatReferrers(items)
  }

const readKind = (text: string | undefined): CatalogKind | undefined =>
  text === 'local' || text === 'mirrored' ? text : undefined

/**
 * `GET /v2/_catalog` (distribution): the repositories of the store that the caller may pull; `?kind=local` or
 * `?kind=mirrored` for some of them.
 */
export const listCatalog =
  (catalog: Catalog, maxEntries: number): AdmittedRoute =>
  async (ctx, maySee) => {
    const defaultLimit = Math.min(CATALOG_PAGE, maxEntries)
    const request = parsePage(ctx.query, { defaultLimit, maxLimit: maxEntries, whenOver: 'refuse' })
    const kind = readKind(queryValue(ctx.query.kind))
    const { items, next } = await catalog.page(request, maySee, kind)
    if (next !== undefined) ctx.set('Link', formatNextLink(ctx.path, { last: next, n: request.limit, kind }))
    ctx.set('Content-Type', 'application/json')
    ctx.body = JSON.stringify({ repositories: items })
  }

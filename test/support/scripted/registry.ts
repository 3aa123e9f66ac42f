/** The routes of the scripted upstream: which request it is, who may, and the true answer. */
import type { IncomingHttpHeaders } from 'node:http'
import { bufferContent } from '../bytes.ts'
import { type Answer, errorAnswer, jsonAnswer, redirectAnswer } from './answers.ts'
import type { RequestKind } from './faults.ts'
import type { ScriptedRepositories, ScriptedRepository } from './repositories.ts'
import { readBasic, type TokenService } from './token-service.ts'

/** Where blobs are redirected to. */
export interface RedirectRules {
  /** Default 307. */
  readonly status?: number
  /** Default `other`: a second origin, which answers 400 to `Authorization`; `same`: a relative path here. */
  readonly origin?: 'other' | 'same'
  /** Whether the target answers 403 to `HEAD`, as URLs signed for GET do. Default false. */
  readonly refusesHead?: boolean
}

/** Basic authentication of every request. */
export interface BasicRules {
  readonly users: Readonly<Record<string, string>>
  /** Whether requests without credentials are answered. Default false. */
  readonly anonymous?: boolean
}

/** How the scripted upstream behaves when nothing goes wrong. */
export interface RegistryRules {
  readonly basic?: BasicRules | undefined
  readonly redirect?: RedirectRules | undefined
  /** Whether there is a referrers API. Default true. */
  readonly hasReferrers?: boolean | undefined
  /** Most entries of one page of tags or referrers. Default: no limit. */
  readonly pageSize?: number | undefined
}

/** A request taken apart. */
export interface Route {
  readonly kind: RequestKind
  readonly name?: string
  readonly reference?: string
}

const ROUTES: readonly [RegExp, get: RequestKind, head: RequestKind][] = [
  [/^\/v2\/$/, 'ping', 'ping'],
  [/^\/token$/, 'token', 'token'],
  [/^\/v2\/(.+)\/manifests\/([^/]+)$/, 'manifest', 'manifestHead'],
  [/^\/v2\/(.+)\/blobs\/([^/]+)$/, 'blob', 'blobHead'],
  [/^\/v2\/(.+)\/tags\/list$/, 'tags', 'tags'],
  [/^\/v2\/(.+)\/referrers\/([^/]+)$/, 'referrers', 'referrers'],
  [/^\/cdn\/(.+)\/([^/]+)$/, 'cdn', 'cdnHead'],
]

/** Which request it is. */
export const routeOf = (method: string, path: string): Route => {
  for (const [pattern, get, head] of ROUTES) {
    const match = pattern.exec(path)
    const kind = method === 'HEAD' ? head : get
    if (match) return { kind, ...(match[1] && { name: match[1] }), ...(match[2] && { reference: match[2] }) }
  }
  return { kind: 'other' }
}

/** What the answers are made from. */
export interface RegistryState {
  readonly rules: RegistryRules
  readonly repositories: ScriptedRepositories
  readonly tokens: TokenService | undefined
  /** Own origin, and that of the CDN. */
  readonly origin: string
  readonly cdnOrigin: string
  /** Signature that redirects carry, and that the CDN accepts. */
  readonly signature: string
}

const checkToken = (
  state: RegistryState,
  route: Route,
  authorization: string | undefined,
): Answer | undefined => {
  const { tokens, repositories } = state
  if (tokens === undefined) return undefined
  const isKnown = route.name === undefined || repositories.find(route.name) !== undefined
  const verdict = tokens.check(authorization, route.name ?? '')
  const isGranted = verdict === 'granted' || (route.name === undefined && verdict === 'insufficient')
  if (isGranted && isKnown) return undefined
  if (verdict === 'invalid' && tokens.rules.invalidStatus === 400) return errorAnswer(400, 'DENIED')
  const error = {
    missing: undefined,
    invalid: 'invalid_token',
    insufficient: 'insufficient_scope',
    granted: 'insufficient_scope',
  }
  const challenge = tokens.challenge(`${state.origin}/token`, route.name, error[verdict])
  return errorAnswer(401, 'UNAUTHORIZED', { 'www-authenticate': challenge })
}

const checkBasic = (rules: BasicRules | undefined, authorization: string | undefined): Answer | undefined => {
  if (rules === undefined || (authorization === undefined && rules.anonymous)) return undefined
  const [account, password] = readBasic(authorization) ?? []
  if (account !== undefined && rules.users[account] === password && password !== undefined) return undefined
  return errorAnswer(401, 'UNAUTHORIZED', { 'www-authenticate': 'Basic realm="scripted"' })
}

const manifestAnswer = (repository: ScriptedRepository, reference: string): Answer => {
  const manifest = repository.find(reference)
  if (manifest === undefined) return errorAnswer(404, 'MANIFEST_UNKNOWN')
  const headers = { 'content-type': manifest.mediaType, 'docker-content-digest': manifest.digest }
  return { status: 200, headers, content: bufferContent(manifest.bytes) }
}

const blobAnswer = (repository: ScriptedRepository, reference: string): Answer => {
  const content = repository.blobs.get(reference)
  if (content === undefined) return errorAnswer(404, 'BLOB_UNKNOWN')
  const headers = {
    'content-type': 'application/octet-stream',
    'docker-content-digest': reference,
    'accept-ranges': 'bytes',
    etag: `"${reference}"`,
  }
  return { status: 200, headers, content, isRangeable: true }
}

const redirectBlob = (state: RegistryState, rules: RedirectRules, route: Route): Answer => {
  const path = `/cdn/${route.name}/${route.reference}?signature=${state.signature}`
  const location = rules.origin === 'same' ? path : `${state.cdnOrigin}${path}`
  return redirectAnswer(rules.status ?? 307, location, { 'docker-content-digest': route.reference ?? '' })
}

const pageOf = <T>(all: readonly T[], query: URLSearchParams, path: string, limit = all.length) => {
  const start = Number(query.get('start') ?? 0)
  const page = all.slice(start, start + limit)
  const next = start + limit
  const headers = next < all.length ? { link: `<${path}?start=${next}>; rel="next"` } : undefined
  return { page, headers }
}

const listAnswer = (state: RegistryState, repository: ScriptedRepository, route: Route, url: URL): Answer => {
  const { pageSize, hasReferrers = true } = state.rules
  if (route.kind === 'tags') {
    const tags = [...repository.digestByTag.keys()].sort()
    const { page, headers } = pageOf(tags, url.searchParams, url.pathname, pageSize)
    return jsonAnswer(200, { name: route.name, tags: page }, headers)
  }
  if (!hasReferrers) return { ...errorAnswer(404, 'UNSUPPORTED'), headers: { 'content-type': 'text/plain' } }
  const mediaType = 'application/vnd.oci.image.index.v1+json'
  const all = repository.referrersOf(route.reference ?? '')
  const { page, headers } = pageOf(all, url.searchParams, url.pathname, pageSize)
  return jsonAnswer(
    200,
    { schemaVersion: 2, mediaType, manifests: page },
    { ...headers, 'content-type': mediaType },
  )
}

/** What object stores say to a signature that has expired, or was made for another method: nothing a registry would. */
const CDN_REFUSAL: Answer = {
  status: 403,
  headers: { 'content-type': 'application/xml' },
  content: bufferContent(Buffer.from('<Error><Code>AccessDenied</Code></Error>\n')),
}

const cdnAnswer = (state: RegistryState, route: Route, url: URL, headers: IncomingHttpHeaders): Answer => {
  const isOtherOrigin = state.rules.redirect?.origin !== 'same'
  if (isOtherOrigin && headers.authorization !== undefined) return errorAnswer(400, 'DENIED')
  if (url.searchParams.get('signature') !== state.signature) return CDN_REFUSAL
  if (route.kind === 'cdnHead' && state.rules.redirect?.refusesHead) return CDN_REFUSAL
  const answer = blobAnswer(state.repositories.open(route.name ?? ''), route.reference ?? '')
  const { 'docker-content-digest': _, ...rest } = answer.headers
  return { ...answer, headers: rest }
}

/** The true answer to a request, tokens aside (the token service has its own). */
export const answerRequest = (
  state: RegistryState,
  route: Route,
  url: URL,
  headers: IncomingHttpHeaders,
): Answer => {
  if (route.kind === 'cdn' || route.kind === 'cdnHead') return cdnAnswer(state, route, url, headers)
  const refusal =
    checkToken(state, route, headers.authorization) ?? checkBasic(state.rules.basic, headers.authorization)
  if (refusal !== undefined) return refusal
  if (route.kind === 'ping') return jsonAnswer(200, {})
  const repository = state.repositories.find(route.name ?? '')
  if (repository === undefined) return errorAnswer(404, 'NAME_UNKNOWN')
  if (route.kind === 'tags' || route.kind === 'referrers') return listAnswer(state, repository, route, url)
  if (route.kind === 'manifest' || route.kind === 'manifestHead')
    return manifestAnswer(repository, route.reference ?? '')
  const answer = blobAnswer(repository, route.reference ?? '')
  const { redirect } = state.rules
  return redirect === undefined || answer.status !== 200 ? answer : redirectBlob(state, redirect, route)
}

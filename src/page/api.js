/** Calls of the admin API, beside which this page is served. Every call has a deadline; a failure says what the server said. */
import { currentLogin, dropLogin } from './session.js'

/** Wherever a proxy has put us: `…/admin/page/api.js` → `…/admin/v1/`. */
const BASE = new URL('../v1/', import.meta.url)

/** Longest wait for figures, in milliseconds. */
const READ_MS = 30_000
/** Longest wait for something that is done, such as a purge of everything, in milliseconds. */
const WORK_MS = 600_000

/** A call that failed. */
class ApiError extends Error {
  /**
   * @param {number} status of the answer; 0: there was none
   * @param {string} message for people
   */
  constructor(status, message) {
    super(message)
    this.name = 'ApiError'
    /** @readonly */
    this.status = status
  }
}

/** @param {Response} response @returns {Promise<ApiError>} */
const toError = async (response) => {
  try {
    const { errors } = await response.json()
    return new ApiError(response.status, String(errors[0].message))
  } catch {
    return new ApiError(response.status, `the server answered ${response.status} ${response.statusText}`)
  }
}

/**
 * @typedef {object} Call
 * @property {Readonly<Record<string, string | number | undefined>>} [query]
 * @property {unknown} [body] JSON
 * @property {string} [authorization] instead of the login that is kept
 */

/** @param {string} path @param {NonNullable<Call['query']>} query */
const toUrl = (path, query) => {
  const url = new URL(path, BASE)
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, String(value))
  return url
}

/**
 * @template T
 * @param {'GET' | 'POST' | 'PUT' | 'DELETE'} method
 * @param {string} path below `/admin/v1/`
 * @param {Call} [call]
 * @returns {Promise<T>} `undefined` where the answer has no body
 * @throws {ApiError}
 */
const ask = async (method, path, { query = {}, body, authorization } = {}) => {
  const login = authorization ?? currentLogin()?.authorization
  /** @type {Record<string, string>} */
  const headers = { ...(login !== undefined && { Authorization: login }) }
  if (method !== 'GET') headers['Content-Type'] = 'application/json'
  const response = await fetch(toUrl(path, query), {
    method,
    headers,
    body: method === 'GET' ? null : JSON.stringify(body ?? {}),
    // The browser is neither to add a login of its own nor to ask for one.
    credentials: 'omit',
    cache: 'no-store',
    redirect: 'error',
    signal: AbortSignal.timeout(method === 'GET' ? READ_MS : WORK_MS),
  }).catch(() => {
    throw new ApiError(0, 'the server cannot be reached')
  })
  if (response.status === 204) return /** @type {T} */ (undefined)
  if (response.ok) return response.json()
  const error = await toError(response)
  if (error.status === 401 && authorization === undefined) dropLogin()
  throw error
}

/** @param {unknown} error @returns {string} a sentence's worth, for people */
export const describe = (error) => (error instanceof Error ? error.message : String(error))

/** @typedef {import('./wire.d.ts').Selection} Selection */

export const api = {
  /** @returns {Promise<import('./wire.d.ts').Status>} */
  status: () => ask('GET', 'status'),
  /** @param {string} [authorization] @returns {Promise<{ upstreams: import('./wire.d.ts').Upstream[] }>} */
  upstreams: (authorization) => ask('GET', 'upstreams', { ...(authorization && { authorization }) }),
  /** @param {string} name @param {string} duration @returns {Promise<void>} */
  startOutage: (name, duration) =>
    ask('PUT', `upstreams/${encodeURIComponent(name)}/outage`, { body: { for: duration } }),
  /** @param {string} name @returns {Promise<void>} */
  endOutage: (name) => ask('DELETE', `upstreams/${encodeURIComponent(name)}/outage`),
  /** @returns {Promise<{ fetches: import('./wire.d.ts').Fetch[] }>} */
  fetches: () => ask('GET', 'fetches'),
  /**
   * @param {{ n: number, last?: string | undefined, filter?: string | undefined }} query
   * @returns {Promise<{ repositories: import('./wire.d.ts').Repository[], next?: string }>}
   */
  repositories: (query) => ask('GET', 'repositories', { query }),
  /** @param {string} repository @param {number} n most tags @returns {Promise<import('./wire.d.ts').Contents>} */
  contents: (repository, n) => ask('GET', 'contents', { query: { repository, n } }),
  /** @param {Selection} selection @param {boolean} dryRun @returns {Promise<import('./wire.d.ts').Purge>} */
  purge: (selection, dryRun) => ask('POST', 'purge', { body: { ...selection, dryRun } }),
  /** @returns {Promise<{ pins: import('./wire.d.ts').Pin[] }>} */
  pins: () => ask('GET', 'pins'),
  /** @param {import('./wire.d.ts').Pin} pin @returns {Promise<void>} */
  pin: (pin) => ask('PUT', 'pins', { body: pin }),
  /** @param {import('./wire.d.ts').Pin} pin @returns {Promise<void>} */
  unpin: (pin) => ask('DELETE', 'pins', { body: pin }),
  /**
   * @param {string} repository @param {string} tag
   * @returns {Promise<{ digest: string, previousDigest?: string, isChanged: boolean }>}
   */
  refresh: (repository, tag) => ask('POST', 'refresh', { body: { repository, tag } }),
  /** @param {string} reference @returns {Promise<import('./wire.d.ts').Explanation>} */
  explain: (reference) => ask('GET', 'explain', { query: { reference } }),
  /** @param {{ references: string[], platforms?: string[] }} body @returns {Promise<import('./wire.d.ts').Job>} */
  warm: (body) => ask('POST', 'warm', { body }),
  /** @returns {Promise<import('./wire.d.ts').Job>} */
  scrub: () => ask('POST', 'scrub'),
  /** @param {{ dryRun?: boolean, untagged?: boolean }} body @returns {Promise<import('./wire.d.ts').Job>} */
  gc: (body) => ask('POST', 'gc', { body }),
  /** @returns {Promise<{ jobs: import('./wire.d.ts').Job[] }>} */
  jobs: () => ask('GET', 'jobs'),
  /** @param {string} id @returns {Promise<import('./wire.d.ts').Job>} */
  job: (id) => ask('GET', `jobs/${encodeURIComponent(id)}`),
  /** @param {string} id @returns {Promise<void>} */
  cancel: (id) => ask('DELETE', `jobs/${encodeURIComponent(id)}`),
}

/**
 * The page of the debug listener: static files, the same for everybody, which name nothing of the store. What the page shows
 * comes by calls of the admin API, which ask for the login. Its policy lets it load and ask nothing but what is served here,
 * run nothing that is not a file of it, and be shown in no other page.
 */
import { createHash } from 'node:crypto'
import Router from '@koa/router'
import type { Context } from 'koa'

/** Where the page is. */
const PAGE_PATH = '/admin'

/** Content-Security-Policy (CSP level 3). Trusted Types: no text ever becomes markup. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const HEADERS = {
  'Content-Security-Policy': POLICY,
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  // A new version of the server brings a new version of the page: asked each time, sent when it has changed.
  'Cache-Control': 'no-cache',
} as const

/** Media types by how a file's name ends; files of other names are not served. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
}

/** The files of the page by their names; `index.html` is the page itself. */
export type PageFiles = ReadonlyMap<string, Buffer>

const typeOf = (name: string): string | undefined => MEDIA_TYPES[name.slice(name.lastIndexOf('.') + 1)]

/** Ends a request with a file, or with 304 for who has it already (RFC 9110, 13.1.2). */
const createReply = (name: string, bytes: Buffer) => {
  const etag = `"${createHash('sha256').update(bytes).digest('base64url')}"`
  return (ctx: Context): void => {
    ctx.status = 200
    ctx.set({ ...HEADERS, 'Content-Type': typeOf(name) ?? '', ETag: etag })
    if (ctx.fresh) ctx.status = 304
    else ctx.body = bytes
  }
}

/** The routes of the page: `/admin`, and its parts below `/admin/page/`. */
export const createPageRoutes = (files: PageFiles): Router => {
  const router = new Router({ strict: true })
  for (const [name, bytes] of files) {
    if (typeOf(name) === undefined) continue
    const reply = createReply(name, bytes)
    router.get(name === 'index.html' ? PAGE_PATH : `${PAGE_PATH}/page/${name}`, reply)
  }
  // Its parts are named from where it is, so that a proxy may put it elsewhere.
  router.get(`${PAGE_PATH}/`, (ctx) => {
    ctx.status = 308
    ctx.set('Location', '../admin')
  })
  return router
}

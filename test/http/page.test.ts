import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import Koa from 'koa'
import { request } from 'undici'
import { createPageRoutes } from '../../src/http/page.ts'
import { readPage } from '../../src/wiring/page.ts'

describe('the page of the debug listener', () => {
  let server: Server
  let url: string

  before(async () => {
    const app = new Koa()
    app.use(createPageRoutes(readPage()).routes())
    server = createServer(app.callback())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })

  const types: readonly (readonly [path: string, type: string])[] = [
    ['/admin', 'text/html; charset=utf-8'],
    ['/admin/page/main.js', 'text/javascript; charset=utf-8'],
    ['/admin/page/page.css', 'text/css; charset=utf-8'],
    ['/admin/page/icon.svg', 'image/svg+xml'],
  ]
  for (const [path, type] of types)
    it(`has ${path}, with a policy, in no frame, as what it is`, async () => {
      const answer = await fetch(url + path)
      assert.equal(answer.status, 200)
      const { headers } = answer
      assert.equal(headers.get('content-type'), type)
      const policy = headers.get('content-security-policy') ?? ''
      assert.match(policy, /^default-src 'none';/)
      assert.match(policy, /frame-ancestors 'none'/)
      assert.doesNotMatch(policy, /unsafe|data:|https?:|\*/)
      assert.equal(headers.get('x-frame-options'), 'DENY')
      assert.equal(headers.get('x-content-type-options'), 'nosniff')
      assert.equal(headers.get('referrer-policy'), 'no-referrer')
      assert.ok((await answer.text()).length > 100)
    })

  it('is sent again only when it has changed', async () => {
    const first = await fetch(`${url}/admin`)
    const etag = first.headers.get('etag') ?? ''
    assert.match(etag, /^"[\w-]{43}"$/)
    assert.equal(first.headers.get('cache-control'), 'no-cache')
    // Not by fetch, which says that it wants no stored answer as soon as it is given a condition.
    for (const [condition, status] of [
      [etag, 304],
      ['"other"', 200],
    ] as const) {
      const answer = await request(`${url}/admin`, { headers: { 'if-none-match': condition } })
      assert.equal(answer.statusCode, status)
      assert.equal((await answer.body.text()).length > 0, status === 200)
    }
  })

  it('is found with a slash at the end, too, behind a proxy that puts it elsewhere', async () => {
    const answer = await fetch(`${url}/admin/`, { redirect: 'manual' })
    assert.equal(answer.status, 308)
    assert.equal(
      new URL(answer.headers.get('location') ?? '', 'http://a/elsewhere/admin/').pathname,
      '/elsewhere/admin',
    )
  })

  for (const path of [
    '/admin/page/',
    '/admin/page/index.html',
    '/admin/page/wire.d.ts',
    '/admin/page/..%2fmain.ts',
    '/admin/page/%2e%2e/serve.ts',
    '/admin/page/none.js',
  ])
    it(`has no ${path}`, async () => {
      assert.equal((await fetch(url + path)).status, 404)
    })

  it('names no file that is not there, and nothing elsewhere', async () => {
    const files = readPage()
    const html = String(files.get('index.html'))
    const named = [...html.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, path = '']) => path)
    assert.ok(named.length >= 8)
    for (const path of named) {
      assert.match(path, /^admin\/page\/[\w-]+\.(js|css|svg)$/)
      assert.ok(files.has(path.slice('admin/page/'.length)), path)
    }
    for (const [name, bytes] of files)
      if (!name.endsWith('.svg'))
        assert.doesNotMatch(String(bytes).replaceAll('http://www.w3.org/2000/svg', ''), /https?:\/\//, name)
  })
})

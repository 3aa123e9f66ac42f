import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import Router from '@koa/router'
import type { RequestState } from '../../src/http/context.ts'
import { createRouter } from '../../src/http/router.ts'
import fc from '../support/fast-check.ts'

const PATTERNS = [
  ['GET', '/'],
  ['GET', '/v2'],
  ['GET', '/v2/_catalog'],
  ['POST', '/v2/*name/blobs/uploads'],
  ['PATCH', '/v2/*name/blobs/uploads/:id'],
  ['DELETE', '/v2/*name/blobs/:digest'],
  ['GET', '/v2/*name/blobs/:digest'],
  ['GET', '/v2/*name/tags/list'],
  ['GET', '/v2/*name/referrers/:digest'],
  ['GET', '/v2/*name/manifests/:reference'],
  ['PUT', '/v2/*name/manifests/:reference'],
] as const

const addRoutes = (router: Router<RequestState>, patterns: readonly (readonly [string, string])[]) => {
  for (const [method, pattern] of patterns) router.register(pattern, [method], () => {})
  return router
}

const describeMatch = (router: Router<RequestState>, path: string, method: string) => {
  const { path: matched, pathAndMethod, route } = router.match(path, method)
  return {
    matched: matched.map((layer) => [layer.path, layer.methods]),
    chosen: pathAndMethod.map((layer) => [layer.path, layer.methods]),
    route,
  }
}

const words = [
  'v2',
  'blobs',
  'uploads',
  'manifests',
  'tags',
  'list',
  'Blobs',
  'sha256:1',
  'a',
  '%62lobs',
  '_catalog',
  '',
]
const paths = fc.array(fc.constantFrom(...words), { maxLength: 7 }).map((parts) => `/${parts.join('/')}`)
const methods = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS')

describe('the router', () => {
  for (const prefix of ['', '/registry'])
    it(`finds the same routes as one that tests all of them, with prefix "${prefix}"`, () => {
      const ours = addRoutes(createRouter(prefix), PATTERNS)
      const plain = addRoutes(new Router<RequestState>({ prefix }), PATTERNS)
      fc.assert(
        fc.property(paths, methods, (path, method) => {
          const asked = `${prefix}${path}`
          assert.deepEqual(describeMatch(ours, asked, method), describeMatch(plain, asked, method))
        }),
        { numRuns: 3000 },
      )
    })

  it('tests all routes where one of them might fit any path', () => {
    const patterns = [...PATTERNS, ['GET', '/:anything/*rest']] as const
    const ours = addRoutes(createRouter(''), patterns)
    const plain = addRoutes(new Router<RequestState>(), patterns)
    fc.assert(
      fc.property(paths, methods, (path, method) =>
        assert.deepEqual(describeMatch(ours, path, method), describeMatch(plain, path, method)),
      ),
      { numRuns: 1000 },
    )
  })
})

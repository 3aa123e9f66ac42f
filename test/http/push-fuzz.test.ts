/** Whatever is sent: never a 500, never a file outside of the store's folders, and the server goes on. */
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { digestOf } from '../../src/protocol/digest.ts'
import { startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import fc from '../support/fast-check.ts'
import { makeImage } from '../support/images.ts'
import { Pusher } from './pusher.ts'

const NAME = 'team/app'
const DIGEST = digestOf('x')

/** Text that a header or a query may hold, of the characters that mean something to somebody. */
const hostile = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'0123456789abc-_.:/=%&?*," \tsha256512bytes'), maxLength: 60 }),
  fc.constantFrom('..', '../../etc/passwd', '%2e%2e%2f', '\u0000', '-1', '9'.repeat(400), `${DIGEST}/..`),
)
// What undici refuses to send reaches no server.
const header = hostile.map((text) => text.replaceAll('\u0000', '').trim())
const path = hostile.map(encodeURIComponent)

describe('hostile pushes', () => {
  let entrepot: TestEntrepot
  let pusher: Pusher

  before(async () => {
    entrepot = await startEntrepot({ config: { storage: { delete: { enabled: true } } } })
    pusher = new Pusher(entrepot)
    await pusher.image(NAME, 'latest', makeImage({ layers: [10] }))
  })
  after(() => entrepot.stop())

  const assertAnswered = async (
    method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE',
    place: string,
    headers: Record<string, string> = {},
    body?: string,
  ): Promise<void> => {
    const { status } = await entrepot.ask(method, place, headers, body)
    assert.ok(status >= 200 && status < 500, `${method} ${place} → ${status}`)
  }

  it('in headers, queries and paths of uploads are answered', async () => {
    const location = await pusher.start(NAME)
    const methods = fc.constantFrom('GET', 'POST', 'PATCH', 'PUT', 'DELETE')
    const property = fc.asyncProperty(methods, path, path, header, async (method, one, two, range) => {
      const headers = method === 'GET' || range === '' ? {} : { 'Content-Range': range }
      const body = method === 'GET' ? undefined : 'bytes'
      for (const place of [
        `/v2/${NAME}/blobs/uploads/?digest=${one}&mount=${two}&from=${one}&digest-algorithm=${two}`,
        `/v2/${NAME}/blobs/uploads/${one}?_state=${two}`,
        `/v2/${one}/blobs/uploads/`,
        ...(method === 'DELETE' ? [] : [`${location}&digest=${two}`]),
      ])
        await assertAnswered(method, place, headers, body)
    })
    await fc.assert(property, { numRuns: 40 })
  })

  it('in references, tags, conditions and bodies of manifests are answered', async () => {
    const property = fc.asyncProperty(path, path, header, fc.json(), async (one, two, text, body) => {
      const headers = { 'Content-Type': text, 'If-Match': text, 'If-None-Match': text }
      await assertAnswered('PUT', `/v2/${NAME}/manifests/${one}?tag=${two}`, headers, body)
      await assertAnswered('PUT', `/v2/${NAME}/manifests/${digestOf(body)}?tag=${two}`, {}, body)
      await assertAnswered('DELETE', `/v2/${NAME}/manifests/${one}`)
      await assertAnswered('DELETE', `/v2/${NAME}/blobs/${two}`)
      await assertAnswered('GET', `/v2/${NAME}/referrers/${one}?artifactType=${two}&last=${one}`)
      await assertAnswered('GET', `/v2/_catalog?n=${one}&last=${two}&kind=${one}`)
      await assertAnswered('GET', `/v2/${NAME}/tags/list?n=${one}&last=${two}`)
    })
    await fc.assert(property, { numRuns: 40 })
  })

  it('leave nothing but the two folders of the store, and the server as it was', async () => {
    assert.deepEqual((await readdir(entrepot.root)).sort(), ['docker', 'entrepot'])
    assert.equal((await entrepot.head(`/v2/${NAME}/manifests/latest`)).status, 200)
  })
})

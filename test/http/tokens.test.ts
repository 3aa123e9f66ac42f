/** The built-in authorization service, as clients and other registries see it. */
import assert from 'node:assert/strict'
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { type Answer, listFolder, makeFolder, startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import { ALICE, BOB, STRANGER, writeAccounts } from './accounts.ts'
import { fetchToken, pushImage } from './login.ts'

interface TokenAnswer {
  readonly token: string
  readonly access_token: string
  readonly expires_in: number
  readonly scope: string
  readonly refresh_token?: string
}

describe('the token endpoint', () => {
  let folder: string
  let config: Readonly<Record<string, unknown>>
  let entrepot: TestEntrepot

  before(async () => {
    folder = await makeFolder()
    const htpasswd = { realm: 'Registry', path: await writeAccounts(folder) }
    config = { auth: { htpasswd, token: { entrepot: true } } }
    entrepot = await startEntrepot({ config, root: join(folder, 'store') })
    await pushImage(entrepot, 'team/app', '1', ALICE)
  })
  after(async () => {
    await entrepot.stop()
    await rm(folder, { recursive: true })
  })

  const post = (form: Record<string, string>): Promise<Answer> =>
    entrepot.ask(
      'POST',
      '/token',
      { 'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8' },
      new URLSearchParams({ service: 'entrepot', client_id: 'test', ...form }).toString(),
    )
  const read = (answer: Answer): TokenAnswer => {
    assert.equal(answer.status, 200, answer.body.toString())
    return answer.json() as TokenAnswer
  }
  const pull = (token: string): Promise<Answer> =>
    entrepot.get('/v2/team/app/manifests/1', { Authorization: `Bearer ${token}` })

  it('answers `docker login`: no scope, a token that /v2/ takes, and one to come back with', async () => {
    const query = '?account=alice&client_id=docker&offline_token=true&service=entrepot'
    const answer = await entrepot.get(`/token${query}`, { Authorization: ALICE })
    const { token, access_token, expires_in, refresh_token } = read(answer)
    assert.equal(answer.headers['cache-control'], 'no-store')
    assert.equal(token, access_token)
    assert.ok(expires_in >= 60)
    assert.ok(refresh_token)
    assert.equal((await entrepot.get('/v2/', { Authorization: `Bearer ${token}` })).status, 200)
    assert.equal((await pull(token)).status, 401)
  })

  it('refuses a login with a wrong password, and says how to log in', async () => {
    const answer = await entrepot.get('/token?service=entrepot&offline_token=true', {
      Authorization: STRANGER,
    })
    assert.equal(answer.status, 401)
    assert.equal(answer.headers['www-authenticate'], 'Basic realm="Registry"')
    assert.match(answer.body.toString(), /^\{"errors":\[\{"code":"UNAUTHORIZED"/)
  })

  it('gives tokens by POST: for a password, then for the refresh token', async () => {
    const scope = 'repository:team/app:pull'
    const password = { grant_type: 'password', username: 'alice', password: 'correct horse' }
    const first = read(await post({ ...password, access_type: 'offline', scope }))
    assert.equal(first.scope, scope)
    assert.equal((await pull(first.access_token)).status, 200)
    const refresh = { grant_type: 'refresh_token', refresh_token: first.refresh_token ?? '' }
    assert.equal((await pull(read(await post({ ...refresh, scope })).access_token)).status, 200)
  })

  const refusals: readonly [what: string, form: Record<string, string>, status: number][] = [
    ['no grant', {}, 400],
    ['a grant of another kind', { grant_type: 'authorization_code' }, 400],
    ['a wrong password', { grant_type: 'password', username: 'alice', password: 'x' }, 401],
    ['a refresh token of another', { grant_type: 'refresh_token', refresh_token: 'x' }, 401],
    ['the name of another registry', { grant_type: 'password', service: 'other' }, 400],
    ['a form that is too long', { grant_type: 'password', username: 'x'.repeat(100_000) }, 413],
  ]
  for (const [what, form, status] of refusals)
    it(`answers ${what} with ${status}`, async () => {
      const answer = await post(form)
      assert.equal(answer.status, status)
      assert.equal(answer.headers['content-type'], 'application/json')
    })

  it('takes no other method', async () => {
    const answer = await entrepot.ask('PUT', '/token')
    assert.equal(answer.status, 405)
    assert.match(String(answer.headers.allow), /GET.*POST|POST.*GET/)
  })

  it('publishes the keys that its tokens are verified with, and no other part of them', async () => {
    const keys = (await entrepot.get('/token/jwks')).json() as JSONWebKeySet
    const token = await fetchToken(entrepot, 'repository:team/app:pull', BOB)
    const expected = { issuer: 'entrepot', audience: 'entrepot' }
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), expected)
    assert.equal(payload.sub, 'bob')
    assert.deepEqual(payload.access, [{ type: 'repository', name: 'team/app', actions: ['pull'] }])
    assert.ok(keys.keys.every((key) => !('d' in key)))
  })

  it('keeps its keys where nobody else reads them, and knows its tokens after a restart', async () => {
    const keys = join(folder, 'store/entrepot/keys')
    assert.equal((await stat(keys)).mode & 0o777, 0o700)
    for (const name of await listFolder(keys, '.'))
      assert.equal((await stat(join(keys, name))).mode & 0o077, 0, name)
    const token = await fetchToken(entrepot, 'repository:team/app:pull', ALICE)
    await entrepot.stop()
    entrepot = await startEntrepot({ config, root: join(folder, 'store') })
    assert.equal((await pull(token)).status, 200)
  })

  it('lies below http.prefix, and says so', async () => {
    const prefixed = await startEntrepot({ config: { ...config, http: { prefix: '/registry/' } } })
    const { 'www-authenticate': challenge } = (await prefixed.get('/registry/v2/')).headers
    const realm = /realm="([^"]+)"/.exec(String(challenge))?.[1] ?? ''
    assert.equal(realm, `${prefixed.url}/registry/token`)
    assert.equal((await prefixed.get(realm, { Authorization: ALICE })).status, 200)
    await prefixed.stop()
  })
})

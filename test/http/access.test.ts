/** Who gets what: every route for every kind of caller, over HTTP. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { makeFolder, startEntrepot, type TestEntrepot } from '../support/entrepot.ts'
import type { TestImage } from '../support/images.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'
import { ALICE, STRANGER, writeAccounts } from './accounts.ts'
import { askWithToken, basic, fetchToken, type Method, pushImage } from './login.ts'

const NOWHERE = `sha256:${'0'.repeat(64)}`
/** Names in paths: what is there, and from where. */
const PUBLIC = 'library/alpine'
const HIDDEN = 'acme/secret'
const LOCAL = 'team/app'

let folder = ''
let htpasswd = ''

before(async () => {
  folder = await makeFolder()
  htpasswd = await writeAccounts(folder)
})
after(() => rm(folder, { recursive: true }))

/** The upstream of the mirror, with an account that sees more than anybody. */
const startHub = async (): Promise<ScriptedUpstream> => {
  const hub = await startScriptedUpstream({
    tokens: { users: { mirror: 'hub password' }, private: [HIDDEN] },
  })
  hub.addImage(PUBLIC, 'latest')
  hub.addImage(HIDDEN, 'latest', { seed: HIDDEN })
  return hub
}

const proxyOf = (hub: ScriptedUpstream) => ({
  proxy: { remoteurl: hub.url, username: 'mirror', password: 'hub password' },
})

describe('a mirror and a private registry on one address (access: mirror)', () => {
  let hub: ScriptedUpstream
  let entrepot: TestEntrepot
  let mirrored: TestImage
  let local: TestImage

  before(async () => {
    hub = await startHub()
    mirrored = hub.addImage(PUBLIC, 'latest')
    entrepot = await startEntrepot({
      config: {
        ...proxyOf(hub),
        auth: { htpasswd: { realm: 'Registry', path: htpasswd }, token: { entrepot: true } },
        access: 'mirror',
        local: { repositories: ['team/**'] },
        storage: { delete: { enabled: true } },
      },
    })
    local = await pushImage(entrepot, LOCAL, '1', ALICE)
  })
  after(async () => {
    await entrepot.stop()
    await hub.close()
  })

  /** Status for those who are nobody here (four kinds of them), and for an account. */
  const routes = (): readonly [method: Method, path: string, nobody: number, account: number][] => {
    const [layer] = local.layers
    const [mirroredLayer] = mirrored.layers
    return [
      ['GET', '/', 200, 200],
      ['GET', '/healthz', 200, 200],
      ['GET', '/readyz', 200, 200],
      ['GET', '/nowhere', 404, 404],
      ['GET', '/token/jwks', 200, 200],
      ['GET', '/v2/', 401, 200],
      ['HEAD', '/v2/', 401, 200],
      ['GET', '/v2', 401, 200],
      ['GET', '/v2/_catalog', 401, 200],
      // Mirrored: for everybody.
      ['GET', `/v2/${PUBLIC}/manifests/latest`, 200, 200],
      ['HEAD', `/v2/${PUBLIC}/manifests/latest`, 200, 200],
      ['GET', '/v2/alpine/manifests/latest', 200, 200],
      ['GET', `/v2/${PUBLIC}/manifests/latest?ns=docker.io`, 200, 200],
      ['GET', `/v2/${PUBLIC}/blobs/${mirroredLayer?.digest}`, 200, 200],
      ['HEAD', `/v2/${PUBLIC}/blobs/${mirroredLayer?.digest}`, 200, 200],
      ['GET', `/v2/${PUBLIC}/tags/list`, 200, 200],
      ['GET', `/v2/${PUBLIC}/referrers/${NOWHERE}`, 200, 200],
      ['GET', '/v2/library/nobody-has-it/manifests/latest', 401, 404],
      // The upstream shows it to its account alone.
      ['GET', `/v2/${HIDDEN}/manifests/latest`, 401, 200],
      ['HEAD', `/v2/${HIDDEN}/manifests/latest`, 401, 200],
      ['GET', `/v2/${HIDDEN}/manifests/latest?ns=docker.io`, 401, 200],
      ['GET', `/v2/${HIDDEN}/tags/list`, 401, 200],
      ['GET', `/v2/${HIDDEN}/blobs/${NOWHERE}`, 401, 404],
      ['GET', `/v2/${HIDDEN}/referrers/${NOWHERE}`, 401, 200],
      // Local: for accounts.
      ['GET', `/v2/${LOCAL}/manifests/1`, 401, 200],
      ['HEAD', `/v2/${LOCAL}/manifests/${local.manifest.digest}`, 401, 200],
      ['GET', `/v2/${LOCAL}/blobs/${layer?.digest}`, 401, 200],
      ['HEAD', `/v2/${LOCAL}/blobs/${layer?.digest}`, 401, 200],
      ['GET', `/v2/${LOCAL}/tags/list`, 401, 200],
      ['GET', `/v2/${LOCAL}/referrers/${local.manifest.digest}`, 401, 200],
      ['GET', '/v2/team/absent/manifests/latest', 401, 404],
      // What was pushed here is no repository of Docker Hub's, whoever asks.
      ['GET', `/v2/${LOCAL}/manifests/1?ns=docker.io`, 404, 404],
      // Bytes that are here under another name open nothing.
      ['HEAD', `/v2/${PUBLIC}/blobs/${layer?.digest}`, 404, 404],
      // Pushes and deletes.
      ['POST', '/v2/team/new/blobs/uploads/', 401, 202],
      ['POST', '/v2/new/blobs/uploads/', 401, 202],
      ['POST', `/v2/${PUBLIC}/blobs/uploads/`, 401, 403],
      ['POST', `/v2/team/new/blobs/uploads/?mount=${layer?.digest}&from=${LOCAL}`, 401, 201],
      ['POST', `/v2/team/new/blobs/uploads/?mount=${layer?.digest}`, 401, 201],
      ['PATCH', `/v2/${LOCAL}/blobs/uploads/x?_state=x`, 401, 404],
      ['PUT', `/v2/${LOCAL}/blobs/uploads/x?_state=x&digest=${NOWHERE}`, 401, 404],
      ['GET', `/v2/${LOCAL}/blobs/uploads/x?_state=x`, 401, 404],
      ['DELETE', `/v2/${LOCAL}/blobs/uploads/x?_state=x`, 401, 404],
      ['PUT', `/v2/${LOCAL}/manifests/2`, 401, 400],
      ['DELETE', `/v2/${LOCAL}/manifests/${NOWHERE}`, 401, 404],
      ['DELETE', `/v2/${LOCAL}/manifests/absent`, 401, 404],
      ['DELETE', `/v2/${LOCAL}/blobs/${NOWHERE}`, 401, 404],
      ['POST', `/v2/${LOCAL}/tags/list`, 405, 405],
    ]
  }

  const strangers: readonly [who: string, authorization: () => Promise<string | undefined>][] = [
    ['who sends nothing', async () => undefined],
    ['who sends the password of another registry', async () => STRANGER],
    ['who sends a wrong password of an account', async () => basic('alice', 'wrong')],
    ['who sends a token that is none', async () => 'Bearer aaaa.bbbb.cccc'],
    ['who sends what makes no sense', async () => 'Nonsense'],
  ]
  for (const [who, authorization] of strangers)
    it(`lets one ${who} pull what is mirrored, and nothing else`, async () => {
      const header = await authorization()
      for (const [method, path, expected] of routes()) {
        const { status } = await entrepot.ask(
          method,
          path,
          header === undefined ? {} : { Authorization: header },
        )
        assert.equal(status, expected, `${method} ${path}`)
      }
    })

  it('lets nobody do more with a token of nobody’s', async () => {
    for (const [method, path, expected] of routes()) {
      const answer = await askWithToken(entrepot, method, path)
      const isPing = path.startsWith('/v2') && /^\/v2\/?$/.test(path)
      assert.equal(answer.status, isPing ? 200 : expected, `${method} ${path}`)
    }
  })

  it('lets an account do all, by password', async () => {
    for (const [method, path, , expected] of routes()) {
      const { status, body } = await entrepot.ask(method, path, { Authorization: ALICE })
      assert.equal(status, expected, `${method} ${path} ${body}`)
    }
  })

  it('lets an account do all, by the token that the challenge asks for', async () => {
    for (const [method, path, , expected] of routes()) {
      const { status, body } = await askWithToken(entrepot, method, path, ALICE)
      assert.equal(status, expected, `${method} ${path} ${body}`)
    }
  })

  it('lets an account with a token for something else do what anybody may, and asks it for another', async () => {
    const token = await fetchToken(entrepot, 'repository:team/other:pull,push', ALICE)
    for (const [method, path, nobody] of routes()) {
      const answer = await entrepot.ask(method, path, { Authorization: `Bearer ${token}` })
      if (/^\/v2\/?$/.test(path)) assert.equal(answer.status, 200, `${method} ${path}`)
      else {
        assert.equal(answer.status, nobody, `${method} ${path}`)
        if (nobody === 401)
          assert.match(String(answer.headers['www-authenticate']), /error="insufficient_scope"$/)
      }
    }
  })

  it('answers every 401 with one challenge, that names an absolute realm and the scope', async () => {
    for (const [method, path, status] of routes()) {
      if (status !== 401) continue
      const answer = await entrepot.ask(method, path)
      const challenge = answer.headers['www-authenticate']
      assert.ok(typeof challenge === 'string', `${method} ${path}: ${challenge}`)
      assert.match(
        challenge,
        new RegExp(`^Bearer realm="${entrepot.url}/token",service="entrepot"(,scope="[^"]+")?$`),
      )
      assert.equal(answer.headers['docker-distribution-api-version'], 'registry/2.0')
      if (method !== 'HEAD') assert.match(answer.body.toString(), /"code":"UNAUTHORIZED"/)
    }
    const mount = await entrepot.ask('POST', `/v2/team/new/blobs/uploads/?mount=${NOWHERE}&from=${LOCAL}`)
    assert.match(
      String(mount.headers['www-authenticate']),
      /scope="repository:team\/new:pull,push repository:team\/app:pull"/,
    )
    const named = await entrepot.get(`/v2/${HIDDEN}/manifests/latest?ns=docker.io`)
    assert.match(String(named.headers['www-authenticate']), /scope="repository:acme\/secret:pull"/)
  })

  it('names the realm by which the client came, through proxies too', async () => {
    const headers = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'registry.example' }
    const { 'www-authenticate': challenge } = (await entrepot.get('/v2/', headers)).headers
    assert.match(String(challenge), /realm="https:\/\/registry\.example\/token"/)
  })

  it('mounts nothing from where the caller may not pull', async () => {
    const path = `/v2/team/mine/blobs/uploads/?mount=${local.layers[0]?.digest}&from=${LOCAL}`
    const token = await fetchToken(entrepot, 'repository:team/mine:pull,push', ALICE)
    const other = await entrepot.ask('POST', path, { Authorization: `Bearer ${token}` })
    assert.equal(other.status, 401)
    assert.match(String(other.headers['www-authenticate']), /team\/app:pull",error="insufficient_scope"/)
  })

  it('shows what an upstream hides to accounts alone, though the upstream is gone', async () => {
    await hub.stop()
    assert.equal((await entrepot.get(`/v2/${HIDDEN}/manifests/latest`)).status, 401)
    assert.equal((await entrepot.get(`/v2/${HIDDEN}/manifests/latest`, { Authorization: ALICE })).status, 200)
    assert.equal((await entrepot.get(`/v2/${PUBLIC}/manifests/latest`)).status, 200)
    await hub.start()
  })

  it('never sends an upstream what a client sent to log in', () => {
    const sent = JSON.stringify(hub.requests.map(({ headers, body }) => [headers.authorization, body]))
    for (const secret of [ALICE, STRANGER, 'correct horse']) assert.ok(!sent.includes(secret))
  })
})

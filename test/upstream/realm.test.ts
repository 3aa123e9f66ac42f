import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeRealm } from '../../src/upstream/realm.ts'

const verdictOf = async (realm: string, remote: string, realms: string[] = []) =>
  (await judgeRealm(realm, new URL(remote), realms)).kind

const cases = [
  ['its own domain', 'https://auth.docker.io/token', 'https://registry-1.docker.io', 'trusted'],
  ['its own host', 'https://ghcr.io/token', 'https://ghcr.io', 'trusted'],
  ['its own host, another port', 'https://reg.example:5001/token', 'https://reg.example:5000', 'trusted'],
  ['its own address, another port', 'https://10.0.0.1:5001/token', 'https://10.0.0.1', 'trusted'],
  ['localhost', 'http://localhost:5001/token', 'http://localhost:5000', 'trusted'],
  ['another address', 'https://10.0.0.2/token', 'https://10.0.0.1', 'anonymous'],
  ['another domain', 'https://evil.example/token', 'https://registry-1.docker.io', 'anonymous'],
  ['a domain that ends alike', 'https://notdocker.io/token', 'https://registry-1.docker.io', 'anonymous'],
  ['a stranger on the same public suffix', 'https://a.github.io/token', 'https://b.github.io', 'anonymous'],
  ['a stranger in the same country', 'https://a.co.uk/token', 'https://b.co.uk', 'anonymous'],
  ['another single-label name', 'https://auth/token', 'https://registry', 'anonymous'],
  [
    'plain http for an https upstream',
    'http://auth.docker.io/token',
    'https://registry-1.docker.io',
    'anonymous',
  ],
  ['plain http for a plain upstream', 'http://reg.lan:81/token', 'http://reg.lan', 'trusted'],
  ['https for a plain upstream', 'https://reg.lan/token', 'http://reg.lan', 'trusted'],
  ['a relative realm', '/token', 'https://reg.example', 'unusable'],
  ['another protocol', 'file:///etc/passwd', 'https://reg.example', 'unusable'],
  ['a realm with credentials', 'https://a:b@reg.example/', 'https://reg.example', 'unusable'],
  ['no realm', '', 'https://reg.example', 'unusable'],
] as const

for (const [title, realm, remote, kind] of cases)
  test(`${title}: ${realm} for ${remote} is ${kind}`, async () =>
    assert.equal(await verdictOf(realm, remote), kind))

test('a configured realm may have the password, by host or by host and port, but not in the clear', async () => {
  const remote = 'https://reg.example'
  for (const known of ['sso.other', 'sso.other:8443'])
    assert.equal(await verdictOf('https://sso.other:8443/token', remote, [known]), 'trusted')
  assert.equal(await verdictOf('https://sso.other/token', remote, ['sso.other:8443']), 'anonymous')
  assert.equal(await verdictOf('http://sso.other/token', remote, ['sso.other']), 'anonymous')
})

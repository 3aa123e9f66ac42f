import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BASE, mistakeIn } from './load-text.ts'

const HTPASSWD = 'htpasswd: {realm: r, path: /p}'
const TOKEN = 'realm: "https://a/token", service: s, issuer: i'
const HUB = 'proxy: {remoteurl: "https://registry-1.docker.io"}'

type Rows = readonly (readonly [yaml: string, mistake: string])[]

const FINE = 'no mistake'

const check = (rows: Rows): void => {
  for (const [yaml, mistake] of rows)
    assert.equal(mistakeIn(`${BASE}${yaml}`).replace(/^config\.yml: /, ''), mistake, yaml)
}

test('one kind of authentication, and whole', () => {
  check([
    [`auth: {${HTPASSWD}}`, FINE],
    ['auth: none', FINE],
    [`auth: {token: {${TOKEN}, rootcertbundle: /c}}`, FINE],
    [`auth: {token: {${TOKEN}, jwks: /j}}`, FINE],
    ['auth: {token: {autoredirect: true, service: s, issuer: i, jwks: /j}}', FINE],
    [`auth: {${HTPASSWD}, token: {entrepot: true}}`, FINE],
    [
      `auth: {none: , ${HTPASSWD}}`,
      'auth.htpasswd: is a second kind of authentication beside none; allowed: one, or htpasswd with token.entrepot: true',
    ],
    [
      `auth: {${HTPASSWD}, token: {${TOKEN}, jwks: /j}}`,
      'auth.token: is a second kind of authentication beside htpasswd; allowed: one, or htpasswd with token.entrepot: true',
    ],
    ['auth: htpasswd', 'auth.htpasswd.realm: is missing; allowed: text'],
    ['auth: {htpasswd: {realm: r}}', 'auth.htpasswd.path: is missing; allowed: a path'],
    ['auth: ldap', 'auth.ldap: unknown key; allowed: none, htpasswd, token, silly'],
    [
      'auth: {token: {entrepot: true}}',
      'auth.token.entrepot: has no accounts; allowed: auth.htpasswd beside it',
    ],
    [
      `auth: {${HTPASSWD}, token: {entrepot: true, jwks: /j}}`,
      'auth.token.jwks: means nothing beside entrepot: true; allowed: realm, service, issuer',
    ],
    [
      `auth: {${HTPASSWD}, token: {entrepot: true, signingalgorithms: [RS256]}}`,
      'auth.token.signingalgorithms: means nothing beside entrepot: true; allowed: realm, service, issuer',
    ],
    ['auth: token', 'auth.token.realm: is missing'],
    ['auth: {token: {realm: "https://a", issuer: i}}', 'auth.token.service: is missing'],
    ['auth: {token: {realm: "https://a", service: i}}', 'auth.token.issuer: is missing'],
    [
      `auth: {token: {${TOKEN}}}`,
      'auth.token: has nothing to verify tokens with; allowed: rootcertbundle, jwks',
    ],
  ])
})

test('TLS has a certificate and its key; listeners have addresses', () => {
  check([
    ['http: {tls: {certificate: /c, key: /k, clientcas: [/a]}}', FINE],
    ['http: {tls: {}}', FINE],
    ['http: {tls: {certificate: /c}}', 'http.tls.key: is missing; allowed: the key of http.tls.certificate'],
    ['http: {tls: {key: /k}}', 'http.tls.certificate: is missing; allowed: the certificate of http.tls.key'],
    [
      'http: {tls: {clientcas: [/a]}}',
      'http.tls.clientcas: needs TLS; allowed: http.tls.certificate and http.tls.key beside it',
    ],
    ['http: {addr: /run/registry.sock, net: unix}', FINE],
    [
      'http: {addr: 5000}',
      'http.addr: "5000" is not allowed; allowed: an address with a port, such as :5000, 127.0.0.1:5000 or [::1]:5000',
    ],
    [
      'http: {debug: {addr: localhost}}',
      'http.debug.addr: "localhost" is not allowed; allowed: an address with a port, such as :5000, 127.0.0.1:5000 or [::1]:5000',
    ],
  ])
})

test('every upstream has a host and a name of its own', () => {
  check([
    ['upstreams: [{host: ghcr.io}, {host: quay.io, name: quay}]', FINE],
    [`${HUB}\nupstreams: [{host: docker.io, username: u, password: p}]`, FINE],
    [`${HUB}\nupstreams: [{host: registry-1.docker.io}]`, FINE],
    ['upstreams: [{host: "a.b:5000", name: ab}]', FINE],
    ['proxy: {remoteurl: "http://a.b:5000"}\nupstreams: [{host: "a.b:5000"}]', FINE],
    [
      'upstreams: [{host: "a.b:5000"}]',
      'upstreams[0].name: is missing: a host with a port cannot begin the name of a repository',
    ],
    [
      'upstreams: [{host: ghcr.io}, {host: GHCR.io}]',
      'upstreams[1].host: ghcr.io is already that of upstreams[0]',
    ],
    [
      'upstreams: [{host: docker.io}, {host: index.docker.io}]',
      'upstreams[1].host: docker.io is already that of upstreams[0]',
    ],
    [
      'upstreams: [{host: a.b, name: x}, {host: c.d, name: x}]',
      'upstreams[1].name: x is already that of upstreams[0]',
    ],
    [
      'upstreams: [{host: a.b}, {host: c.d, name: a.b}]',
      'upstreams[1].name: a.b is already that of upstreams[0]',
    ],
    [
      `${HUB}\nupstreams: [{host: c.d, name: docker.io}]`,
      'upstreams[0].name: docker.io is that of proxy.remoteurl',
    ],
    [
      `${HUB}\nupstreams: [{host: docker.io, remoteurl: "https://other"}]`,
      'upstreams[0].remoteurl: is the default upstream, whose URL is proxy.remoteurl; allowed: nothing here',
    ],
    ['upstreams: [{host: a.b, password: p}]', 'upstreams[0].username: is missing beside the password'],
    [
      'upstreams: [{host: a.b, username: u, password: p, passwordfile: /p}]',
      'upstreams[0].passwordfile: is set beside password; allowed: one of the two',
    ],
    [
      'upstreams: [{host: a.b, username: u, passwordfile: /nowhere/p}]',
      'upstreams[0].passwordfile: /nowhere/p cannot be read: there is no such file',
    ],
    [
      'upstreams: [{host: a.b, share: 10%}]',
      'upstreams[0].share: is a share of cache.maxsize, which is not set; allowed: cache.maxsize beside it, or a size',
    ],
    ['upstreams: [{host: a.b, share: 10%}]\ncache: {maxsize: 1GB}', FINE],
    [
      'upstreams: [{host: "https://a.b"}]',
      'upstreams[0].host: "https://a.b" is not allowed; allowed: a host such as ghcr.io or registry.example:5000',
    ],
    [
      'upstreams: [{host: a.b, name: A/b}]',
      'upstreams[0].name: "A/b" is not allowed; allowed: lower-case letters and digits, with . _ or - between them',
    ],
    [
      'upstreams: [{host: a.b, redirects: [10.0.0.0/8, any, cdn.example, "x y"]}]',
      'upstreams[0].redirects[3]: "x y" is not allowed; allowed: a host, an address, a network such as 10.0.0.0/8, or any',
    ],
  ])
})

test('access rules say one thing each, of people that can be known', () => {
  const auth = `auth: {${HTPASSWD}}`
  check([
    [`${auth}\naccess: mirror`, FINE],
    ['access: [{who: anyone, may: pull}]', FINE],
    [
      `${auth}\naccess: {groups: {ops: [a, b]}, rules: [{who: ["group:ops", carol], may: [push], repositories: team/**}]}`,
      FINE,
    ],
    [`${auth}\naccess: {rules: mirror, groups: {}}`, FINE],
    [
      'access: mirror',
      'access.rules[1].who: accounts needs accounts; allowed: auth.htpasswd or auth.token beside it',
    ],
    [
      'access: [{who: alice, may: pull}]',
      'access.rules[0].who: alice needs accounts; allowed: auth.htpasswd or auth.token beside it',
    ],
    [
      `${auth}\naccess: [{who: "group:ops", may: pull}]`,
      'access.rules[0].who: there is no group ops; allowed: a key of access.groups',
    ],
    [`${auth}\naccess: [{who: alice}]`, 'access.rules[0]: is no rule; allowed: one of may, maynot'],
    [
      `${auth}\naccess: [{who: alice, may: pull, maynot: push}]`,
      'access.rules[0]: is no rule; allowed: one of may, maynot',
    ],
    ['access: [{may: pull}]', 'access.rules[0].who: is missing'],
    [
      'access: [{who: anyone, may: write}]',
      'access.rules[0].may[0]: "write" is not allowed; allowed: pull, push, delete',
    ],
    ['access: all', 'access: is not a section of keys'],
    ['local: {push: accounts}', 'local.push: needs accounts; allowed: auth.htpasswd or auth.token beside it'],
    ['admin: {users: [a]}', 'admin.users: needs accounts with passwords; allowed: auth.htpasswd beside it'],
    [`${auth}\nadmin: {users: [a]}\nlocal: {push: accounts}`, FINE],
    ['warm: {references: [alpine, "alpine:3.*", "ghcr.io/org/app:v{1,2}"]}', FINE],
    [`warm: {references: ["alpine@sha256:${'0'.repeat(64)}"]}`, FINE],
    [
      'warm: {references: [alpine, "Alpine 3"]}',
      'warm.references[1]: "Alpine 3" is no image; allowed: name:tag, name:glob, name@digest',
    ],
    ['trustedproxies: [10.0.0.0/8, "::1"]', FINE],
    [
      'trustedproxies: [nginx]',
      'trustedproxies[0]: "nginx" is not allowed; allowed: an address such as 10.0.0.1, or a network such as 10.0.0.0/8',
    ],
  ])
})

test('access rules and groups fit something that there can be', () => {
  const rule = (text: string) => `auth: {${HTPASSWD}}\naccess: [{who: alice, may: pull, ${text}}]`
  const fits = (glob: string) =>
    `access.rules[0].repositories: ${JSON.stringify(glob)} fits no repository; allowed: lower-case letters, digits and . _ - between slashes, and * ** ? {a,b}`
  check([
    [rule('repositories: [team/app, "team/*", "**", "a{b,c}/d?", "[a-c]x"]'), FINE],
    [rule('repositories: Team/*'), fits('Team/*')],
    [rule('repositories: "app:latest"'), fits('app:latest')],
    [rule('repositories: /team/*'), fits('/team/*')],
    [rule('repositories: team/'), fits('team/')],
    [rule('repositories: []'), 'access.rules[0].repositories: is empty, and so fits nothing'],
    [rule('content: []'), 'access.rules[0].content: is empty, and so fits nothing'],
    [`auth: {${HTPASSWD}}\naccess: {groups: {ops: [alice, bob]}, rules: mirror}`, FINE],
    [
      `auth: {${HTPASSWD}}\naccess: {groups: {ops: [anyone]}, rules: mirror}`,
      'access.groups.ops: anyone is no account; allowed: names of accounts',
    ],
    [
      `auth: {${HTPASSWD}}\naccess: {groups: {ops: ["group:dev"]}, rules: mirror}`,
      'access.groups.ops: group:dev is no account; allowed: names of accounts',
    ],
  ])
})

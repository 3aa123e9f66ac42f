import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import fc from '../support/fast-check.ts'
import { BASE, loadText, mistakeIn } from './load-text.ts'

type Environment = Readonly<Record<string, string>>

/** The value at a dotted path of what is loaded. */
const valueAt = (path: string, env: Environment, yaml = BASE): unknown =>
  path
    .split('.')
    .reduce<unknown>((value, key) => (value as Record<string, unknown>)?.[key], loadText(yaml, env).config)

const NOTHING: Environment = {}

const WITH_TLS = `${BASE}http: {tls: {certificate: /crt, key: /key}}\n`

test('a variable sets the key that its name spells', () => {
  const rows: readonly (readonly [Environment, string, unknown])[] = [
    // typed fields: scalars of YAML; numbers are fine for text
    [{ REGISTRY_HTTP_ADDR: '0.0.0.0:443' }, 'http.addr', '0.0.0.0:443'],
    [{ REGISTRY_LOG_LEVEL: 'debug' }, 'log.level', 'debug'],
    [{ REGISTRY_LOG_LEVEL: 'WARN' }, 'log.level', 'warn'],
    [{ REGISTRY_LOGLEVEL: 'debug' }, 'log.level', 'debug'],
    [{ REGISTRY_PROXY_USERNAME: '0123' }, 'proxy.username', '0123'],
    [{ REGISTRY_PROXY_PASSWORD: 'a #b: *c' }, 'proxy.password', 'a #b: *c'],
    [{ REGISTRY_HTTP_DRAINTIMEOUT: '5000000000' }, 'http.draintimeout', 5000],
    [{ REGISTRY_HTTP_DRAINTIMEOUT: '"5s"' }, 'http.draintimeout', 5000],
    [{ REGISTRY_STORAGE_DELETE_ENABLED: '"true"' }, 'storage.delete.enabled', true],
    [{ REGISTRY_STORAGE_DELETE_ENABLED: 'yes' }, 'storage.delete.enabled', true],
    // lists: whole, or by index
    [{ REGISTRY_HTTP_TLS_CLIENTCAS: '[/a.pem, /b.pem]' }, 'http.tls.clientcas', ['/a.pem', '/b.pem']],
    [{ REGISTRY_HTTP_TLS_CLIENTCAS_0: '/a.pem' }, 'http.tls.clientcas', ['/a.pem']],
    [
      { REGISTRY_HTTP_TLS_CLIENTCAS_0: '/a.pem', REGISTRY_HTTP_TLS_CLIENTCAS_1: '/b.pem' },
      'http.tls.clientcas',
      ['/a.pem', '/b.pem'],
    ],
    [{ REGISTRY_UPSTREAMS_0_HOST: 'ghcr.io' }, 'upstreams.0.host', 'ghcr.io'],
    // maps: a new key is in lower case
    [
      { 'REGISTRY_HTTP_HEADERS_Access-Control-Allow-Origin': "['*']" },
      'http.headers',
      { 'access-control-allow-origin': ['*'] },
    ],
    [{ REGISTRY_HTTP_HEADERS_SERVER_0: 'x' }, 'http.headers', { server: ['x'] }],
    [{ REGISTRY_LOG_FIELDS_ENVIRONMENT: 'test' }, 'log.fields', { environment: 'test' }],
    // free maps: the type is what YAML says; what is text to entrepot stays text
    [{ REGISTRY_LOG_FIELDS_PORT: '5000' }, 'log.fields', { port: 5000 }],
    [{ REGISTRY_LOG_FIELDS_A_B: 'x' }, 'log.fields', { a: { b: 'x' } }],
    // parents are made
    [{ REGISTRY_PROXY_TTL: '24h' }, 'proxy.ttl', 24 * 3_600_000],
    [{ REGISTRY_PROXY_TTL: '0' }, 'proxy.ttl', 0],
    [{ REGISTRY_PROXY_TTL: '-1s' }, 'proxy.ttl', 0],
    [NOTHING, 'proxy.ttl', 168 * 3_600_000],
    [{ REGISTRY_STORAGE_DELETE_ENABLED: 'true' }, 'storage.delete.enabled', true],
    [{ REGISTRY_HTTP_DEBUG_PROMETHEUS_ENABLED: 'false' }, 'http.debug.prometheus.enabled', false],
    // names of Go's fields, and those of the file
    [{ REGISTRY_HEALTH_FILECHECKERS_0_FILE: '/down' }, 'health.file.0.file', '/down'],
    [{ REGISTRY_HEALTH_FILE_0_FILE: '/down' }, 'health.file.0.file', '/down'],
    [{ REGISTRY_HEALTH_HTTPCHECKERS_0_URI: 'http://a.b/c' }, 'health.http.0.uri', 'http://a.b/c'],
    [{ REGISTRY_HEALTH_TCPCHECKERS_0_ADDR: 'a.b:1' }, 'health.tcp.0.addr', 'a.b:1'],
    [
      { REGISTRY_NOTIFICATIONS_EVENTCONFIG_INCLUDEREFERENCES: 'true' },
      'notifications.events.includereferences',
      true,
    ],
    [
      { REGISTRY_LOG_HOOKS_0_MAILOPTIONS_SMTP_ADDR: 'mail:25' },
      'log.hooks.0.options',
      { smtp: { addr: 'mail:25' } },
    ],
    [{ REGISTRY_REDIS_ADDRS_0: 'redis:6379' }, 'redis.addrs', ['redis:6379']],
    // a map given whole
    [
      { REGISTRY_STORAGE_MAINTENANCE_READONLY: '{"enabled": true}' },
      'storage.maintenance.readonly.enabled',
      true,
    ],
    [{ REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED: 'true' }, 'storage.maintenance.readonly.enabled', true],
    [
      { REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING: '{"enabled": false}' },
      'storage.maintenance.uploadpurging.enabled',
      false,
    ],
    // shorter names first, so that a section does not undo its keys
    [
      {
        REGISTRY_AUTH_HTPASSWD_REALM: 'Registry Realm',
        REGISTRY_AUTH_HTPASSWD_PATH: '/p',
        REGISTRY_AUTH: 'htpasswd',
      },
      'auth',
      { htpasswd: { realm: 'Registry Realm', path: '/p' } },
    ],
    [
      { REGISTRY_AUTH_HTPASSWD_REALM: '12345', REGISTRY_AUTH_HTPASSWD_PATH: '/p' },
      'auth.htpasswd.realm',
      '12345',
    ],
    [{ REGISTRY_AUTH: 'none' }, 'auth', { none: {} }],
    [{ REGISTRY_ACCESS: '[{who: anyone, may: pull}]' }, 'access.rules.0.may', ['pull']],
  ]
  for (const [env, path, value] of rows)
    assert.deepEqual(valueAt(path, env, WITH_TLS), value, Object.keys(env).join(' '))
})

test('a variable goes over what the file says, and leaves what is beside it', () => {
  const yaml = `${BASE}
http: {addr: ":1", prefix: /a/, headers: {X-Frame-Options: [deny], Server: [a, b]}}
upstreams: [{host: ghcr.io}, {host: quay.io}]
`
  const rows: readonly (readonly [Environment, string, unknown])[] = [
    [{ REGISTRY_HTTP_ADDR: ':2' }, 'http.addr', ':2'],
    [{ REGISTRY_HTTP_ADDR: ':2' }, 'http.prefix', '/a/'],
    [{ REGISTRY_HTTP: '{addr: ":2"}' }, 'http.prefix', undefined],
    // a key of a map is matched in any case, and keeps its own
    [{ 'REGISTRY_HTTP_HEADERS_X-FRAME-OPTIONS': '[x]' }, 'http.headers.X-Frame-Options', ['x']],
    [{ 'REGISTRY_HTTP_HEADERS_X-FRAME-OPTIONS': '[x]' }, 'http.headers.Server', ['a', 'b']],
    [{ REGISTRY_HTTP_HEADERS_SERVER_1: 'c' }, 'http.headers.Server', ['a', 'c']],
    [{ REGISTRY_HTTP_HEADERS_SERVER_2: 'c' }, 'http.headers.Server', ['a', 'b', 'c']],
    [{ REGISTRY_UPSTREAMS_1_USERNAME: 'u' }, 'upstreams.1.username', 'u'],
    [{ REGISTRY_UPSTREAMS_1_USERNAME: 'u' }, 'upstreams.1.host', 'quay.io'],
    [{ REGISTRY_UPSTREAMS_1_USERNAME: 'u' }, 'upstreams.0.host', 'ghcr.io'],
    // an empty value is the zero value, not "unset": the section starts anew
    [{ REGISTRY_HTTP_ADDR: '' }, 'http.addr', ':5000'],
    [{ REGISTRY_HTTP: '' }, 'http.prefix', undefined],
    [{ REGISTRY_UPSTREAMS: '' }, 'upstreams', []],
  ]
  for (const [env, path, value] of rows)
    assert.deepEqual(valueAt(path, env, yaml), value, JSON.stringify(env))
})

test('a whole section replaces that of the file: STORAGE=s3 leaves nothing of the folder', () => {
  const env = { REGISTRY_STORAGE: 's3', REGISTRY_STORAGE_S3_BUCKET: 'b' }
  assert.match(
    mistakeIn(BASE, env),
    /^REGISTRY_STORAGE_S3_BUCKET: storage\.s3: is not supported|^REGISTRY_STORAGE: storage\.s3: is not supported/,
  )
  const folder = { REGISTRY_STORAGE: 'filesystem', REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: '/other' }
  const yaml = `${BASE.trim().slice(0, -1)}, delete: {enabled: true}}\n`
  assert.equal(valueAt('storage.delete.enabled', NOTHING, yaml), true)
  assert.equal(valueAt('storage.delete.enabled', folder, yaml), false)
  assert.equal(valueAt('storage.filesystem.rootdirectory', folder, yaml), '/other')
})

test('a second storage driver by variable is refused with what is missing', () => {
  assert.equal(
    mistakeIn(BASE, { REGISTRY_STORAGE_S3_BUCKET: 'b' }),
    'config.yml: storage.s3: is a second storage driver beside filesystem; allowed: one; a variable that adds s3 needs REGISTRY_STORAGE=s3 beside it',
  )
})

test('a variable that is no setting is one warning, and the start goes on', () => {
  const rows: readonly (readonly [string, string[]])[] = [
    ['REGISTRY_PORT', ['REGISTRY_PORT: ignored, there is no such setting']],
    ['REGISTRY_SERVICE_HOST', ['REGISTRY_SERVICE_HOST: ignored, there is no such setting']],
    ['REGISTRY_VERSION', ['REGISTRY_VERSION: ignored, there is no such setting']],
    [
      'REGISTRY_PROXY_REMOTURL',
      ['REGISTRY_PROXY_REMOTURL: ignored, there is no such setting; did you mean REGISTRY_PROXY_REMOTEURL?'],
    ],
    [
      'REGISTRY_PROXI_REMOTEURL',
      ['REGISTRY_PROXI_REMOTEURL: ignored, there is no such setting; did you mean REGISTRY_PROXY_REMOTEURL?'],
    ],
    ['REGISTRY_HTTP_ADDR_X', ['REGISTRY_HTTP_ADDR_X: ignored, there is no such setting']],
    // no setting of ours to begin with
    ['registry_http_addr', []],
    ['REGISTRYX_HTTP_ADDR', []],
    ['SETTINGS_FLAVOR', []],
    ['STANDALONE', []],
    ['STORAGE_PATH', []],
    ['OTEL_TRACES_EXPORTER', []],
  ]
  for (const [name, warnings] of rows)
    assert.deepEqual(loadText(BASE, { [name]: 'tcp://10.0.0.1:5000' }).warnings, warnings, name)
})

test('a value that cannot be used names its variable', () => {
  const rows: readonly (readonly [Environment, string])[] = [
    [
      { REGISTRY_LOG_LEVEL: 'verbose' },
      'REGISTRY_LOG_LEVEL: log.level: "verbose" is not allowed; allowed: error, warn, info, debug',
    ],
    [
      { REGISTRY_HTTP_TLS_CLIENTCAS_1: '/a' },
      'REGISTRY_HTTP_TLS_CLIENTCAS_1: http.tls.clientcas: has no entry 1; allowed: an index from 0 to 0',
    ],
    [
      { REGISTRY_HTTP_TLS_CLIENTCAS_X: '/a' },
      'REGISTRY_HTTP_TLS_CLIENTCAS_X: http.tls.clientcas: has no entry X; allowed: an index from 0 to 0',
    ],
    [
      { REGISTRY_HTTP_TLS_CLIENTCAS: '[/a' },
      'REGISTRY_HTTP_TLS_CLIENTCAS: http.tls.clientcas: is not YAML: Flow sequence must end with a ] at line 1, column 4',
    ],
    [{ REGISTRY_AUTH: 'htpasswd' }, 'REGISTRY_AUTH: auth.htpasswd.realm: is missing; allowed: text'],
    [{ REGISTRY_HTTP: '5' }, 'REGISTRY_HTTP: http: is not a section of keys'],
  ]
  for (const [env, mistake] of rows) assert.equal(mistakeIn(BASE, env), mistake)
})

const folder = mkdtempSync(join(tmpdir(), 'entrepot-secrets-'))
after(() => rmSync(folder, { recursive: true }))
const SECRET = join(folder, 'secret')
writeFileSync(SECRET, 's3cret: *#\n')

test('a secret is read from the file that a …_FILE variable names', () => {
  assert.equal(valueAt('proxy.password', { REGISTRY_PROXY_PASSWORD_FILE: SECRET }), 's3cret: *#')
  assert.equal(valueAt('http.secret', { REGISTRY_HTTP_SECRET_FILE: SECRET }), 's3cret: *#')
  const env = {
    REGISTRY_UPSTREAMS_0_HOST: 'a.b',
    REGISTRY_UPSTREAMS_0_USERNAME: 'u',
    REGISTRY_UPSTREAMS_0_PASSWORD_FILE: SECRET,
  }
  assert.equal(valueAt('upstreams.0.password', env), 's3cret: *#')
})

test('a key that is called file is that key, and no secret', () => {
  assert.equal(valueAt('health.file.0.file', { REGISTRY_HEALTH_FILECHECKERS_0_FILE: SECRET }), SECRET)
  assert.deepEqual(valueAt('log.fields', { REGISTRY_LOG_FIELDS_FILE: SECRET }), { file: SECRET })
})

test('a secret that cannot be read is told with variable, key and file', () => {
  assert.equal(
    mistakeIn(BASE, { REGISTRY_PROXY_PASSWORD_FILE: '/nowhere/secret' }),
    'REGISTRY_PROXY_PASSWORD_FILE: proxy.password: /nowhere/secret cannot be read: there is no such file',
  )
  assert.match(mistakeIn(BASE, { REGISTRY_PROXY_PASSWORD_FILE: folder }), /it is a folder/)
  assert.deepEqual(loadText(BASE, { REGISTRY_HTTP_RELATIVEURLS_FILE: SECRET }).warnings, [
    'REGISTRY_HTTP_RELATIVEURLS_FILE: ignored, there is no such setting',
  ])
})

test('any name and any value end in a configuration or in one line', () => {
  const word = fc.constantFrom(
    'HTTP',
    'TLS',
    'PROXY',
    'STORAGE',
    'AUTH',
    'ACCESS',
    'RULES',
    '0',
    '9',
    'FILE',
    'HEADERS',
    'X',
    '',
  )
  const value = fc.oneof(
    fc.string(),
    fc.constantFrom('{}', '[]', '{a: [b]}', 'null', '1', 'true', 'mirror', '&a *a', '{<<: 1}'),
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 5 }), value, (names, text) => {
      const env = { [['REGISTRY', ...names].join('_')]: text }
      try {
        loadConfig({ env, defaultFiles: [] })
      } catch (error) {
        assert.ok(error instanceof Error && error.name === 'ConfigError', String(error))
        assert.ok(!error.message.includes('\n'))
      }
    }),
    { numRuns: 500 },
  )
})

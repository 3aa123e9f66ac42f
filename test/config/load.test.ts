import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { BASE, loadText, mistakeIn } from './load-text.ts'

const MIRROR = `
version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: :5000
  headers:
    X-Content-Type-Options: [nosniff]
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
proxy:
  remoteurl: https://registry-1.docker.io
  username: somebody
  password: something
`

test("a mirror's file for registry:2 is read unchanged and without a warning", () => {
  const { config, warnings } = loadText(MIRROR)
  assert.deepEqual(warnings, [])
  assert.equal(config.storage.filesystem?.rootdirectory, '/var/lib/registry')
  assert.equal(config.http.addr, ':5000')
  assert.deepEqual(config.http.headers, { 'X-Content-Type-Options': ['nosniff'] })
  assert.deepEqual(config.health.storagedriver, { enabled: true, interval: 10_000, threshold: 3 })
  assert.deepEqual(config.log.fields, { service: 'registry' })
  assert.equal(config.proxy.remoteurl, 'https://registry-1.docker.io')
  assert.equal(config.proxy.username, 'somebody')
  assert.equal(config.proxy.password, 'something')
})

test('the same given by variables alone is the same', () => {
  const env = {
    REGISTRY_LOG_FIELDS_SERVICE: 'registry',
    REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR: 'inmemory',
    REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: '/var/lib/registry',
    REGISTRY_HTTP_ADDR: ':5000',
    'REGISTRY_HTTP_HEADERS_X-Content-Type-Options': '[nosniff]',
    REGISTRY_HEALTH_STORAGEDRIVER_ENABLED: 'true',
    REGISTRY_HEALTH_STORAGEDRIVER_INTERVAL: '10s',
    REGISTRY_HEALTH_STORAGEDRIVER_THRESHOLD: '3',
    REGISTRY_PROXY_REMOTEURL: 'https://registry-1.docker.io',
    REGISTRY_PROXY_USERNAME: 'somebody',
    REGISTRY_PROXY_PASSWORD: 'something',
  }
  const { config, warnings } = loadConfig({ env, defaultFiles: [] })
  assert.deepEqual({ config, warnings }, { config: loadText(MIRROR).config, warnings: [] })
})

test('a mistake in the file is one line: file, key, what is wrong, what is allowed', () => {
  const rows: readonly (readonly [string, string])[] = [
    // unknown keys, at every level, with the known one that was meant
    ['healt: {}', 'healt: unknown key, did you mean health?'],
    ['http: {adr: x}', 'http.adr: unknown key, did you mean http.addr?'],
    ['http: {tls: {certificat: x}}', 'http.tls.certificat: unknown key, did you mean http.tls.certificate?'],
    ['remoteurl: x', 'remoteurl: unknown key, did you mean proxy.remoteurl?'],
    [
      'upstreams: [{host: a.b, user: x}]',
      'upstreams[0].user: unknown key, did you mean upstreams[0].username?',
    ],
    ['catalog: {zzz: 1}', 'catalog.zzz: unknown key; allowed: maxentries'],
    // values of the wrong kind
    ['log: {level: verbose}', 'log.level: "verbose" is not allowed; allowed: error, warn, info, debug'],
    ['log: {formatter: xml}', 'log.formatter: "xml" is not allowed; allowed: text, json, logstash'],
    ['http: 5', 'http: is not a section of keys'],
    ['http: {addr: {a: b}}', 'http.addr: is a section, not a single value; allowed: text'],
    ['http: {addr: [a]}', 'http.addr: is a list, not a single value; allowed: text'],
    ['http: {headers: [a]}', 'http.headers: is not a section of keys'],
    ['upstreams: {host: a}', 'upstreams: is not a list'],
    ['http: {relativeurls: maybe}', 'http.relativeurls: "maybe" is not allowed; allowed: true, false'],
    ['limits: {transfers: 0}', 'limits.transfers: "0" is not allowed; allowed: a whole number, 1 or more'],
    [
      'limits: {transfers: 1.5}',
      'limits.transfers: "1.5" is not allowed; allowed: a whole number, 1 or more',
    ],
    ['tags: {maxtags: -1}', 'tags.maxtags: "-1" is not allowed; allowed: a whole number, 0 or more'],
    [
      'http: {draintimeout: 5x}',
      'http.draintimeout: "5x" is not allowed; allowed: a duration such as 300ms, 10s, 1h30m or 168h, or whole nanoseconds',
    ],
    [
      'limits: {stall: 30}',
      'limits.stall: "30" is not allowed; allowed: a duration with its unit, such as 300ms, 10s, 1h30m or 7d, or 0',
    ],
    [
      'cache: {maxsize: 10G}',
      'cache.maxsize: "10G" is not allowed; allowed: bytes, or a size such as 500MB, 20GB (powers of 1000), 64KiB or 20GiB (powers of 1024)',
    ],
    [
      'proxy: {remoteurl: registry-1.docker.io}',
      'proxy.remoteurl: "registry-1.docker.io" is not allowed; allowed: a URL that begins with http:// or https://',
    ],
    [
      'proxy: {remoteurl: "https://"}',
      'proxy.remoteurl: "https://" is not allowed; allowed: a URL that begins with http:// or https://',
    ],
    [
      'upstreams: [{name: x}]',
      'upstreams[0].host: is missing; allowed: a host such as ghcr.io or registry.example:5000',
    ],
    [
      'http: {tls: {minimumtls: tls1.4}}',
      'http.tls.minimumtls: "tls1.4" is not allowed; allowed: tls1.0, tls1.1, tls1.2, tls1.3',
    ],
    [
      'validation: {manifests: {urls: {allow: ["("]}}}',
      'validation.manifests.urls.allow[0]: "(" is not allowed; allowed: a regular expression',
    ],
    [
      'validation: {manifests: {indexes: {platforms: some}}}',
      'validation.manifests.indexes.platforms: "some" is not allowed; allowed: all, none, list',
    ],
  ]
  for (const [yaml, mistake] of rows) assert.equal(mistakeIn(`${BASE}${yaml}`), `config.yml: ${mistake}`)
})

test('a secret is never repeated in a mistake', () => {
  assert.equal(
    mistakeIn(`${BASE}proxy: {password: [hunter2]}`),
    'config.yml: proxy.password: is a list, not a single value; allowed: text',
  )
})

test('a file must be YAML and say its version', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['storage: {inmemory: }', 'version: is missing; allowed: text'],
    ['version: 0.2\nstorage: {filesystem: }', 'version: unsupported version "0.2"; allowed: 0.1'],
    ['version: 0.1', 'storage: is missing'],
    [
      'version: 0.1\nstorage: {delete: {enabled: true}}',
      'storage: has no storage driver; allowed: filesystem',
    ],
    ['', 'holds no keys'],
    ['- a', 'holds no keys'],
    [
      'a: {',
      'is not YAML: Flow map in block collection must be sufficiently indented and end with a } at line 1, column 5',
    ],
  ]
  for (const [yaml, mistake] of rows) assert.equal(mistakeIn(yaml), `config.yml: ${mistake}`)
})

test('what would change where bytes lie, who gets in or the wire is refused by name', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['storage: s3', 'storage.s3'],
    ['storage: {s3: {bucket: b, region: r}}', 'storage.s3'],
    ['storage: {azure: {accountname: a}}', 'storage.azure'],
    ['storage: {gcs: {bucket: a}}', 'storage.gcs'],
    ['storage: {swift: }', 'storage.swift'],
    ['storage: {oss: }', 'storage.oss'],
    ['storage: inmemory', 'storage.inmemory'],
    ['storage: filesystem\nauth: {silly: {realm: r, service: s}}', 'auth.silly'],
    [
      'storage: filesystem\nmiddleware: {storage: [{name: redirect, options: {baseurl: x}}]}',
      'middleware.storage',
    ],
    ['storage: filesystem\nhttp: {tls: {letsencrypt: {email: a@b.c}}}', 'http.tls.letsencrypt'],
  ]
  for (const [yaml, key] of rows)
    assert.match(
      mistakeIn(`version: 0.1\n${yaml}`),
      new RegExp(`^config\\.yml: ${key.replaceAll('.', '\\.')}: is not supported: `),
    )
})

test('a key without effect is one warning that says what takes its place', () => {
  const rows: readonly (readonly [string, string[]])[] = [
    ['http: {h2c: {enabled: true}}', ['http.h2c.enabled']],
    ['http: {h2c: {enabled: false}, http2: {disabled: true}}', []],
    ['redis: {addr: "redis:6379", password: x, pool: {maxidle: 1}}', ['redis']],
    ['redis: {addrs: []}\nreporting:\npolicy: {repository: {classes: []}}', []],
    ['http: {tls: {letsencrypt: {email: "", hosts: []}}}', []],
    ['redis: {addrs: ["redis:6379"], tls: {rootcas: [/a]}}', ['redis']],
    ['reporting: {bugsnag: {apikey: x}}', ['reporting']],
    ['compatibility: {schema1: {enabled: true}}', ['compatibility']],
    ['policy: {repository: {classes: [image]}}', ['policy']],
    ['log: {reportcaller: true, hooks: [{type: mail, disabled: true}]}', ['log.reportcaller']],
    ['log: {hooks: [{type: mail, levels: [panic], options: {to: [a@b.c]}}]}', ['log.hooks']],
    ['middleware: {registry: [{name: x, disabled: true}]}', []],
    ['proxy: {exec: {command: /helper, lifetime: 1h}}', []],
    ['proxy: {username: u}', ['proxy.username']],
    ['http: {tls: {certificate: a, key: b, minimumtls: tls1.0}}', ['http.tls.minimumtls']],
  ]
  for (const [yaml, keys] of rows) {
    const { warnings } = loadText(`${BASE}${yaml}`)
    assert.deepEqual(
      warnings.map((warning) => warning.split(':')[0]),
      keys,
      yaml,
    )
  }
})

test('old spellings of keys mean the same, unless the new one is there', () => {
  assert.equal(loadText(`${BASE}loglevel: debug`).config.log.level, 'debug')
  assert.equal(loadText(`${BASE}loglevel: debug\nlog: {level: error}`).config.log.level, 'error')
  assert.equal(loadText(`${BASE}validation: {enabled: false}`).config.validation.disabled, true)
  assert.equal(loadText(`${BASE}validation: {enabled: true}`).config.validation.disabled, false)
  const redis = `${BASE.trim().slice(0, -1)}, cache: {layerinfo: redis}}`
  assert.match(loadText(redis).warnings[0] ?? '', /^storage\.cache\.blobdescriptor: /)
})

test('anchors, merges, equal keys and x- keys are read as distribution reads them', () => {
  const { config } = loadText(`
version: 0.1
x-common: &common {interval: 7s, threshold: 2}
storage: {filesystem: {x-note: y, rootdirectory: /a, rootdirectory: /b}}
health: {storagedriver: {<<: *common, enabled: on}}
`)
  assert.deepEqual(config.health.storagedriver, { enabled: true, interval: 7000, threshold: 2 })
  assert.equal(config.storage.filesystem?.rootdirectory, '/b')
})

test('0 and unset differ where distribution says so, and do not where it does not', () => {
  assert.equal(loadText(`${BASE}proxy: {ttl: 0}`).config.proxy.ttl, 0)
  assert.equal(loadText(`${BASE}proxy: {ttl: }`).config.proxy.ttl, 168 * 3_600_000)
  assert.equal(loadText(`${BASE}http: {draintimeout: 0}`).config.http.draintimeout, 0)
  assert.equal(loadText(BASE).config.http.draintimeout, 8000)
  assert.equal(loadText(`${BASE}catalog: {maxentries: 0}`).config.catalog.maxentries, 1000)
  const endpoint = '{name: n, url: "http://a", timeout: 0, backoff: 0}'
  const { endpoints } = loadText(`${BASE}notifications: {endpoints: [${endpoint}]}`).config.notifications
  assert.deepEqual([endpoints[0]?.timeout, endpoints[0]?.backoff], [1000, 1000])
})

const folder = mkdtempSync(join(tmpdir(), 'entrepot-files-'))
after(() => rmSync(folder, { recursive: true }))

const writeConfig = (name: string, rootdirectory: string): string => {
  const file = join(folder, name)
  writeFileSync(file, `version: 0.1\nstorage: {filesystem: {rootdirectory: ${rootdirectory}}}`)
  return file
}

test('a time that is waited for ends with the longest timer, and an age does not', () => {
  const { config } = loadText(`${BASE}limits: {clientstall: 60d}\nproxy: {ttl: 1440h}`)
  assert.deepEqual([config.limits.clientstall, config.proxy.ttl], [2 ** 31 - 1, 1440 * 3_600_000])
})

test('the file is the argument, else the variable, else the first default that is there, else built in', () => {
  const [argument, variable, second] = ['argument', 'variable', 'second'].map((name) =>
    writeConfig(name, `/${name}`),
  )
  const env = { REGISTRY_CONFIGURATION_PATH: variable }
  const defaultFiles = [join(folder, 'not there'), second ?? '']
  const rootOf = (options: Parameters<typeof loadConfig>[0]) => {
    const { config, warnings } = loadConfig(options)
    assert.deepEqual(warnings, [])
    return config.storage.filesystem?.rootdirectory
  }
  assert.equal(rootOf({ file: argument, env, defaultFiles }), '/argument')
  assert.equal(rootOf({ env, defaultFiles }), '/variable')
  assert.equal(rootOf({ env: { REGISTRY_CONFIGURATION_PATH: '' }, defaultFiles }), '/second')
  assert.equal(rootOf({ env: {}, defaultFiles: [] }), '/var/lib/registry')
})

test('a file that cannot be read is told by its name', () => {
  assert.throws(() => loadConfig({ file: '/nowhere/config.yml', env: {} }), {
    name: 'ConfigError',
    message: '/nowhere/config.yml: cannot be read: there is no such file',
  })
  assert.throws(() => loadConfig({ file: folder, env: {} }), {
    name: 'ConfigError',
    message: /it is a folder/,
  })
})

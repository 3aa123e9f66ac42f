import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ConfigError } from '../../src/config/error.ts'
import { type LoadedConfig, loadConfig } from '../../src/config/load.ts'

const folder = mkdtempSync(join(tmpdir(), 'entrepot-config-'))
after(() => rmSync(folder, { recursive: true }))

const FILE = join(folder, 'config.yml')

const load = (yaml: string, env: Record<string, string> = {}): LoadedConfig => {
  writeFileSync(FILE, yaml)
  return loadConfig({ file: FILE, env })
}

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
  const { config, warnings } = load(MIRROR)
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
  assert.deepEqual(loadConfig({ env, defaultFiles: [] }), { ...load(MIRROR), file: undefined })
})

test('an unknown key is told with the key that was meant', () => {
  assert.throws(
    () => load(`${MIRROR}\nhealt: {}`),
    new ConfigError(FILE, 'healt', 'unknown key, did you mean health?'),
  )
})

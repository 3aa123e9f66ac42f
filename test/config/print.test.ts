import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MASK, printConfig } from '../../src/config/print.ts'
import type { Config } from '../../src/config/schema.ts'
import { BASE, loadText } from './load-text.ts'

const printed = (config: Config): Config => loadText(printConfig(config)).config

test('what is printed means what it was made from', () => {
  const files = [
    BASE,
    `${BASE}
log: {fields: {service: "yes", port: 5000}, level: WARN}
http: {addr: "[::1]:5000", draintimeout: 0, headers: {X-A: [b, 'on', "1"]}, tls: {certificate: /c, key: /k}}
health: {file: [{file: /down, interval: 1m30s}], tcp: [{addr: "a:1"}]}
notifications: {endpoints: [{name: n, url: "http://a/b", ignore: {actions: [pull]}}]}
proxy: {remoteurl: "https://registry-1.docker.io/", username: "0123", ttl: 0}
upstreams: [{host: ghcr.io, allow: [org/*], share: 20%}, {host: "a:5000", name: a, share: 5GB, limits: {requests: 3}}]
cache: {freshness: 5m, maxsize: 100GB, minfree: 2.5%, watermark: 20%}
local: {push: off, immutabletags: ["v*", {repositories: [a/**], tags: [stable]}]}
access: {groups: {all: [a]}, rules: [{who: anyone, maynot: push}]}
warm: {references: [library/alpine:3], platforms: [linux/arm/v7], schedule: ["03:30", 15:30]}
limits: {stall: 1500ms, manifestsize: 4MB}
validation: {manifests: {indexes: {platforms: list, platformlist: [{os: linux, architecture: amd64}]}}}
`,
    `${BASE}
auth: {htpasswd: {realm: Registry, path: /p}, token: {entrepot: true}}
access: mirror
cache: {freshness: [{tags: ['*.*.*'], for: 7d}, {tags: '*', for: 0}]}
warm: {schedule: 6h}
`,
  ]
  for (const yaml of files) {
    const { config } = loadText(yaml)
    assert.deepEqual(printed(config), config)
  }
})

test('no secret is printed', () => {
  const { config } = loadText(`${BASE}
http: {secret: hidden1}
proxy: {remoteurl: "https://user:hidden2@hub.example/path", username: somebody, password: hidden3}
upstreams: [{host: a.b, username: u, password: hidden4, proxy: "http://me:hidden5@proxy:3128"}]
notifications: {endpoints: [{name: n, url: "https://e/", headers: {Authorization: [Bearer hidden6]}}]}
health: {http: [{uri: "https://u:hidden7@e/", headers: {Cookie: [hidden8]}}]}
redis: {addr: "r:6379", password: hidden9, tls: {key: hidden10}}
log: {hooks: [{type: mail, options: {smtp: {addr: m, password: hidden11}}}], fields: {apitoken: hidden12}}
admin: {token: hidden13}
reporting: {newrelic: {licensekey: hidden14, name: n}}
`)
  const text = printConfig(config)
  assert.doesNotMatch(text, /hidden/)
  for (const shown of ['somebody', 'hub.example/path', 'user:', 'proxy:3128', 'r:6379', 'Authorization'])
    assert.ok(text.includes(shown), shown)
  const again = loadText(text).config
  assert.equal(again.proxy.password, MASK)
  assert.equal(again.proxy.remoteurl, `https://user:${MASK}@hub.example/path`)
})

test('secrets of a store that is refused are secrets too', () => {
  const { config } = loadText(BASE)
  const s3 = { accesskey: 'hidden1', secretkey: 'hidden2', bucket: 'shown' }
  const text = printConfig({ ...config, storage: { ...config.storage, s3 } } as unknown as Config)
  assert.doesNotMatch(text, /hidden/)
  assert.match(text, /shown/)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type UpstreamSettings, upstreamsOf } from '../../src/config/upstreams.ts'
import { BASE, loadText } from './load-text.ts'

const upstreamsIn = (yaml: string): UpstreamSettings[] => upstreamsOf(loadText(BASE + yaml).config)

const HUB = 'https://registry-1.docker.io'

test('without proxy and upstreams there is none', () => {
  assert.deepEqual(upstreamsIn(''), [])
})

test('proxy alone is the default upstream, with the limits of all', () => {
  const [hub, ...others] = upstreamsIn(
    `proxy: {remoteurl: "${HUB}/", username: u, password: p}\nlimits: {transfers: 5}`,
  )
  assert.deepEqual(others, [])
  assert.deepEqual(hub, {
    name: 'docker.io',
    host: 'docker.io',
    remoteurl: HUB,
    isDefault: true,
    username: 'u',
    password: 'p',
    exec: undefined,
    ca: undefined,
    allow: [],
    deny: [],
    realms: [],
    redirects: [],
    proxy: undefined,
    limits: { requests: 16, transfers: 5 },
    share: undefined,
  })
})

test('an entry for the host of proxy adds its settings, in any spelling of Docker Hub', () => {
  for (const host of ['docker.io', 'index.docker.io', 'registry-1.docker.io']) {
    const upstreams = upstreamsIn(
      `proxy: {remoteurl: "${HUB}", username: u, password: p}\nupstreams: [{host: ${host}, deny: [x/*], limits: {requests: 2}}]`,
    )
    assert.equal(upstreams.length, 1)
    assert.deepEqual(upstreams[0]?.deny, ['x/*'])
    assert.deepEqual(upstreams[0]?.limits, { requests: 2, transfers: 12 })
    assert.equal(upstreams[0]?.username, 'u')
    assert.equal(upstreams[0]?.isDefault, true)
  }
})

test("an entry's account goes over that of proxy, as a whole", () => {
  const [hub] = upstreamsIn(
    `proxy: {remoteurl: "${HUB}", username: u, password: p}\nupstreams: [{host: docker.io, username: other}]`,
  )
  assert.deepEqual([hub?.username, hub?.password], ['other', undefined])
})

test('a program gives the account of the default upstream, unless an entry has one', () => {
  const yaml = `proxy: {remoteurl: "${HUB}", exec: {command: /helper, lifetime: 1h}}`
  assert.deepEqual(upstreamsIn(yaml)[0]?.exec, { command: '/helper', lifetime: 3_600_000 })
  assert.equal(upstreamsIn(`${yaml}\nupstreams: [{host: docker.io, username: u}]`)[0]?.exec, undefined)
})

test('other upstreams follow, https unless they say otherwise', () => {
  const upstreams = upstreamsIn(
    'upstreams: [{host: GHCR.io}, {host: "a.b:5000", name: ab, remoteurl: "http://a.b:5000"}, {host: docker.io}]',
  )
  assert.deepEqual(
    upstreams.map(({ name, host, remoteurl, isDefault }) => ({ name, host, remoteurl, isDefault })),
    [
      { name: 'ghcr.io', host: 'ghcr.io', remoteurl: 'https://ghcr.io', isDefault: false },
      { name: 'ab', host: 'a.b:5000', remoteurl: 'http://a.b:5000', isDefault: false },
      { name: 'docker.io', host: 'docker.io', remoteurl: HUB, isDefault: false },
    ],
  )
})

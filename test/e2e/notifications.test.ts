/** What web hooks are told, beside what docker-registry tells them of the same requests. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { makeImage } from '../support/images.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { startDockerRegistry } from './support/docker-registry.ts'
import { startEntrepot } from './support/entrepot.ts'
import { skipWithout } from './support/tools.ts'
import { pushImage } from './support/upstream/push.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const skip = skipWithout('docker-registry')

/** An event, or a part of one. */
type Json = Readonly<Record<string, unknown>>

const image = makeImage({ seed: 'events', flavour: 'docker', layers: [5000] })
const [layer] = image.layers
const REQUESTS: readonly [method: string, path: string][] = [
  ['POST', `/v2/e2e/other/blobs/uploads/?mount=${layer?.digest}&from=e2e/events`],
  ['GET', '/v2/e2e/events/manifests/1'],
  ['GET', `/v2/e2e/events/manifests/${image.manifest.digest}`],
  ['GET', `/v2/e2e/events/blobs/${layer?.digest}`],
  ['DELETE', `/v2/e2e/events/blobs/${layer?.digest}`],
  ['DELETE', `/v2/e2e/events/manifests/${image.manifest.digest}`],
]
/** Without it docker-registry makes a manifest of schema 1, and tells of the config that it reads for that. */
const ACCEPT = { Accept: image.manifest.mediaType }
/** Three pushes, six requests, and the tag that goes with its manifest. */
const EVENTS = 10

const ofReceiver = (receiver: Receiver, settings: Json = {}) => ({
  notifications: {
    events: { includereferences: true },
    endpoints: [{ name: 'hook', url: receiver.url, timeout: '5s', threshold: 5, backoff: '1s', ...settings }],
  },
})

/** An event with what may differ from start to start made equal. */
const normalize = (event: Json, address: string): unknown =>
  JSON.parse(
    JSON.stringify(event)
      .replaceAll(address, 'REGISTRY')
      .replace(/"timestamp":"\d{4}-\d\d-\d\dT[\d:.]+Z"/, '"timestamp":"TIME"')
      .replace(/"addr":"127\.0\.0\.1:\d+"/, '"addr":"CLIENT"')
      .replace(/"addr":"[^"]+:\d+"/, '"addr":"SERVER"')
      .replaceAll(/"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"/g, '"ID"'),
  )

const events = (receiver: Receiver, address: string): unknown[] =>
  receiver.posts.flatMap(({ body }) =>
    (JSON.parse(body) as { events: Json[] }).events.map((event) => normalize(event, address)),
  )

describe('notifications', { skip, timeout: 60_000 }, () => {
  let workspace: Workspace
  let receivers: [ours: Receiver, theirs: Receiver]
  let addresses: [ours: string, theirs: string]

  before(async () => {
    workspace = await makeWorkspace()
    receivers = [await startReceiver(), await startReceiver()]
    for (const receiver of receivers) workspace.defer(() => receiver.stop())
    const [ours, theirs] = receivers
    const entrepot = await startEntrepot(workspace, { sections: ofReceiver(ours) })
    const registry = await startDockerRegistry(workspace, 'theirs', ofReceiver(theirs))
    addresses = [entrepot.address, registry.address]
    for (const address of addresses) {
      await pushImage({ registry: address, name: 'e2e/events' }, image, '1')
      for (const [method, path] of REQUESTS)
        await (await fetch(`http://${address}${path}`, { method, headers: ACCEPT })).arrayBuffer()
    }
    await Promise.all(receivers.map((receiver) => receiver.received(EVENTS)))
  })
  after(() => workspace.remove())

  it('hold, of the same requests, what docker-registry tells of them', () => {
    const [ours, theirs] = receivers.map((receiver, i) => events(receiver, addresses[i] ?? ''))
    assert.equal(theirs?.length, EVENTS)
    assert.deepEqual(ours, theirs)
  })

  it('are posted as docker-registry posts them', () => {
    const [ours, theirs] = receivers.map(({ posts }) =>
      posts.map(({ method, url, headers }) => [method, url, headers['content-type']]),
    )
    assert.deepEqual(ours, theirs)
  })
})

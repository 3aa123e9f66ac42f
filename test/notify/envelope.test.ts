import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatEnvelope } from '../../src/notify/envelope.ts'
import type { EventRequest, RegistryEvent } from '../../src/notify/event.ts'
import type { Digest } from '../../src/protocol/digest.ts'
import type { RepositoryName, Tag } from '../../src/protocol/name.ts'
import { makeImage, makeIndex } from '../support/images.ts'

const DIGEST = `sha256:${'a'.repeat(64)}` as Digest
const OCI = 'application/vnd.oci.image.manifest.v1+json'

const REQUEST: EventRequest = {
  method: 'PUT',
  host: 'reg.example',
  address: '192.0.2.1:40000',
  userAgent: 'docker/29',
  account: 'alice',
  baseUrl: 'https://reg.example/',
}

const STAMP = {
  id: 'event-id',
  requestId: 'request-id',
  timestamp: '2026-01-02T03:04:05.600Z',
  source: { addr: 'host:5000', instanceID: 'instance-id' },
  includesReferences: false,
}

const EVENT: RegistryEvent = {
  action: 'push',
  type: 'manifest',
  repository: 'a/b' as RepositoryName,
  digest: DIGEST,
  tag: '1.0' as Tag,
  mediaType: OCI,
  sizeBytes: 708,
}

const tell = (event: Partial<RegistryEvent>, request: Partial<EventRequest> = {}, stamp = STAMP) => {
  const { events } = JSON.parse(formatEnvelope({ ...EVENT, ...event }, { ...REQUEST, ...request }, stamp))
  assert.equal(events.length, 1)
  return events[0]
}

describe('the envelope of an event', () => {
  it('is that of distribution', () => {
    assert.deepEqual(tell({}), {
      id: 'event-id',
      timestamp: '2026-01-02T03:04:05.600Z',
      action: 'push',
      target: {
        mediaType: OCI,
        digest: DIGEST,
        size: 708,
        length: 708,
        repository: 'a/b',
        url: `https://reg.example/v2/a/b/manifests/${DIGEST}`,
        tag: '1.0',
      },
      request: {
        id: 'request-id',
        addr: '192.0.2.1:40000',
        host: 'reg.example',
        method: 'PUT',
        useragent: 'docker/29',
      },
      actor: { name: 'alice' },
      source: { addr: 'host:5000', instanceID: 'instance-id' },
    })
  })

  const blob = { type: 'blob', tag: undefined, mediaType: 'application/octet-stream' } as const
  const gone = { action: 'delete', mediaType: undefined, sizeBytes: undefined, tag: undefined } as const
  const url = `https://reg.example/v2/a/b/blobs/${DIGEST}`
  const content = { mediaType: 'application/octet-stream', digest: DIGEST, size: 708, length: 708, url }
  const targets: [what: string, event: Partial<RegistryEvent>, target: object][] = [
    ['a blob', blob, { ...content, repository: 'a/b' }],
    [
      'a mount: from where',
      { ...blob, action: 'mount', fromRepository: 'c' as RepositoryName },
      { ...content, repository: 'a/b', fromRepository: 'c' },
    ],
    ['a deleted manifest', gone, { digest: DIGEST, repository: 'a/b' }],
    ['a deleted blob', { ...gone, type: 'blob' }, { digest: DIGEST, repository: 'a/b' }],
    ['a deleted tag', { ...gone, digest: undefined, tag: 'old' as Tag }, { repository: 'a/b', tag: 'old' }],
  ]
  for (const [what, event, target] of targets)
    it(`tells of ${what}, and no more`, () => {
      assert.deepEqual(tell(event).target, target)
    })

  it('has an actor without a name for anonymous', () => {
    assert.deepEqual(tell({}, { account: '' }).actor, {})
  })

  it('lists what a manifest names only where that is asked for', () => {
    const { manifest, config, layers } = makeImage()
    const bytes = { manifest: manifest.bytes }
    assert.equal(tell(bytes).target.references, undefined)
    assert.deepEqual(
      tell(bytes, {}, { ...STAMP, includesReferences: true }).target.references,
      [config, ...layers].map(({ mediaType, digest, sizeBytes }) => ({ mediaType, digest, size: sizeBytes })),
    )
  })

  it('lists the manifests of an index with their platforms', () => {
    const image = makeImage()
    const index = makeIndex([{ image, os: 'linux', architecture: 'arm64' }])
    const { references } = tell({ manifest: index.bytes }, {}, { ...STAMP, includesReferences: true }).target
    assert.deepEqual(
      references.map(({ digest, platform }: { digest: string; platform: object }) => ({ digest, platform })),
      [{ digest: image.manifest.digest, platform: { os: 'linux', architecture: 'arm64' } }],
    )
  })

  it('lists nothing for a manifest that only its clients understand', () => {
    const event = tell({ manifest: Buffer.from('not JSON') }, {}, { ...STAMP, includesReferences: true })
    assert.deepEqual(event.target.references, [])
  })
})

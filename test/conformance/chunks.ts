/** Uploads that go wrong: chunks out of order, and content that does not match its digest. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type DigestAlgorithm, digestOf } from '../../src/protocol/digest.ts'
import { seededBytes } from '../support/bytes.ts'
import { type Answer, type Client, type GetClient, locationOf, withQuery } from './client.ts'
import { type Content, makeBlob } from './content.ts'
import { assertDigest, deleteBlob, expectBlob, expectNoBlob } from './expectations.ts'
import {
  chunkBytesOf,
  chunkHeaders,
  close,
  cut,
  nextLocation,
  sendChunk,
  start,
  THREE_CHUNKS_BYTES,
} from './uploads.ts'

/** Asks how far an upload has come, at the very URL that was refused. */
const expectStored = async (client: Client, place: URL, storedBytes: number): Promise<Answer> => {
  const status = await client.expect(204, 'GET', place)
  const range = /^0-(\d+)$/.exec(status.header('Range') ?? '')
  assert.ok(range, `${status.request}: Range is ${status.header('Range')}`)
  if (storedBytes > 0) assert.equal(Number(range[1]), storedBytes - 1, `${status.request}: Range`)
  return status
}

/** Sends before every right chunk a wrong one, which is refused and changes nothing. */
const uploadOutOfOrder = async (
  client: Client,
  repository: string,
  { digest, bytes }: Content,
  endsWithPut: boolean,
): Promise<Answer> => {
  const started = await start(client, repository)
  const chunkBytes = chunkBytesOf(started)
  const chunks = cut(bytes, chunkBytes)
  let location = locationOf(started)
  for (const [i, { first, chunk }] of chunks.entries()) {
    const wrong = chunks[i + 1] ?? chunks[0]!
    const isLastByPut = endsWithPut && i + 1 === chunks.length - 1
    const place = isLastByPut ? withQuery(location, 'digest', digest) : location
    const refused = await client.expect(416, isLastByPut ? 'PUT' : 'PATCH', place, {
      headers: chunkHeaders(wrong.first, wrong.chunk),
      body: wrong.chunk,
    })
    location = nextLocation(refused, location)
    location = nextLocation(await expectStored(client, place, first), location)
    if (endsWithPut && i === chunks.length - 1)
      return client.expect(201, 'PUT', withQuery(location, 'digest', digest), {
        headers: chunkHeaders(first, chunk),
        body: chunk,
      })
    location = nextLocation(await sendChunk(client, location, first, chunk), location)
  }
  return close(client, location, digest)
}

const testOrder = (client: GetClient, algorithm: DigestAlgorithm): void => {
  for (const endsWithPut of [false, true])
    it(`are refused out of order and taken in order, the last by ${endsWithPut ? 'PUT' : 'PATCH'}`, async () => {
      const { repository1, seed } = client().target
      const blob = makeBlob(`${seed} order ${endsWithPut}`, THREE_CHUNKS_BYTES, algorithm)
      const uploaded = await uploadOutOfOrder(client(), repository1, blob, endsWithPut)
      assertDigest(uploaded, blob.digest)
      await expectBlob(client(), repository1, blob)
      await deleteBlob(client(), repository1, blob.digest)
    })
}

const OCTETS = { 'Content-Type': 'application/octet-stream' }

/** Ways to say that content has a digest that it does not have. Each gives the answer to it. */
const lies: readonly [
  way: string,
  lie: (client: Client, repository: string, lie: Content) => Promise<Answer>,
][] = [
  [
    'POST',
    (client, repository, { digest, bytes }) =>
      client.send('POST', `/v2/${repository}/blobs/uploads/?digest=${digest}`, {
        headers: OCTETS,
        body: bytes,
      }),
  ],
  [
    'PUT',
    async (client, repository, { digest, bytes }) => {
      const location = withQuery(locationOf(await start(client, repository)), 'digest', digest)
      return client.send('PUT', location, { headers: OCTETS, body: bytes })
    },
  ],
  [
    'PUT after three chunks',
    async (client, repository, { digest, bytes }) => {
      let location = locationOf(await start(client, repository))
      for (const { first, chunk } of cut(bytes, 1025))
        location = nextLocation(await sendChunk(client, location, first, chunk), location)
      return client.send('PUT', withQuery(location, 'digest', digest), { headers: OCTETS })
    },
  ],
  [
    'PUT after a stream',
    async (client, repository, { digest, bytes }) => {
      const location = locationOf(await start(client, repository))
      const body = { headers: OCTETS, body: bytes, isChunked: true }
      const patched = await client.expect(202, 'PATCH', location, body)
      return client.send('PUT', withQuery(nextLocation(patched, location), 'digest', digest), {
        headers: OCTETS,
      })
    },
  ],
]

const testLies = (client: GetClient, algorithm: DigestAlgorithm): void => {
  for (const [way, lie] of lies)
    it(`that is not what its digest says is refused at ${way}`, async () => {
      const { repository1, seed } = client().target
      const bytes = seededBytes(3072, `${seed} lie at ${way}`)
      const digest = digestOf(bytes.subarray(0, 3067), algorithm)
      const answer = await lie(client(), repository1, { digest, bytes })
      assert.equal(answer.status, 400, `${answer.request} → ${answer.status}`)
      await expectNoBlob(client(), repository1, digest)
    })
}

/** Uploads that are refused. */
export const testChunks = (client: GetClient): void => {
  for (const algorithm of ['sha256', 'sha512'] as const) {
    describe(`chunks of a ${algorithm} blob`, () => testOrder(client, algorithm))
    describe(`a ${algorithm} blob`, () => testLies(client, algorithm))
  }
}

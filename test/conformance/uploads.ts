/**
 * The ways to upload a blob (distribution-spec 1.1, Pushing blobs), as the suites go them. Each ends in the 201 that
 * names the blob; none says beforehand which algorithm its digest will have.
 */
import assert from 'node:assert/strict'
import { type Answer, type Client, locationOf, withQuery } from './client.ts'
import type { Content } from './content.ts'

/** Uploads a blob, and gives the last answer. */
export type Upload = (client: Client, repository: string, blob: Content) => Promise<Answer>

/** A way to upload, by its name, and the size of blob that shows it. */
export interface Way {
  readonly title: string
  readonly sizeBytes: number
  readonly upload: Upload
}

/** Size of a chunk in bytes, unless the registry wants larger ones. */
const CHUNK_BYTES = 1024
const OCTETS = { 'Content-Type': 'application/octet-stream' }

/** Begins an upload. */
export const start = (client: Client, repository: string): Promise<Answer> =>
  client.expect(202, 'POST', `/v2/${repository}/blobs/uploads/`)

/** Headers of the chunk that begins at `first`. */
export const chunkHeaders = (first: number, bytes: Uint8Array) => ({
  ...OCTETS,
  'Content-Range': `${first}-${first + bytes.length - 1}`,
})

/** Where an upload goes on after `answer`: a Location is used once it is there, else the old one is. */
export const nextLocation = (answer: Answer, last: URL): URL =>
  answer.header('Location') === undefined ? last : locationOf(answer)

/** Sends the chunk that begins at `first`. */
export const sendChunk = (client: Client, location: URL, first: number, bytes: Buffer) =>
  client.expect(202, 'PATCH', location, { headers: chunkHeaders(first, bytes), body: bytes })

/** Ends an upload without another byte. */
export const close = (client: Client, location: URL, digest: string, statuses = 201): Promise<Answer> =>
  client.expect(statuses, 'PUT', withQuery(location, 'digest', digest), { headers: OCTETS })

/** How large the chunks of an upload must be: what the registry asks for, but not less than a chunk of ours. */
export const chunkBytesOf = (started: Answer): number =>
  Math.max(CHUNK_BYTES, Number(started.header('OCI-Chunk-Min-Length') ?? 0))

/** Size of a blob of three chunks of which the last is not full, in bytes. */
export const THREE_CHUNKS_BYTES = 3 * CHUNK_BYTES - 5

/** Cuts bytes into chunks. */
export const cut = (bytes: Buffer, chunkBytes: number): { first: number; chunk: Buffer }[] =>
  Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, i) => ({
    first: i * chunkBytes,
    chunk: bytes.subarray(i * chunkBytes, (i + 1) * chunkBytes),
  }))

/** `POST ?digest=` with the whole blob. */
export const postOnly: Upload = (client, repository, { digest, bytes }) =>
  client.expect(201, 'POST', `/v2/${repository}/blobs/uploads/?digest=${encodeURIComponent(digest)}`, {
    headers: OCTETS,
    body: bytes,
  })

/** Ends an upload by the whole blob. */
export const putWhole = (client: Client, location: URL, { digest, bytes }: Content): Promise<Answer> =>
  client.expect(201, 'PUT', withQuery(location, 'digest', digest), { headers: OCTETS, body: bytes })

/** POST, then PUT with the whole blob. */
export const postAndPut: Upload = async (client, repository, { digest, bytes }) => {
  const location = locationOf(await start(client, repository))
  return putWhole(client, location, { digest, bytes })
}

/** The same with a body of no announced length: how the suite pushes an empty blob. */
export const postAndPutChunked: Upload = async (client, repository, { digest, bytes }) => {
  const location = withQuery(locationOf(await start(client, repository)), 'digest', digest)
  return client.expect(201, 'PUT', location, { headers: OCTETS, body: bytes, isChunked: true })
}

/** POST, one PATCH without a range and of no announced length, then PUT without a body. */
export const stream: Upload = async (client, repository, { digest, bytes }) => {
  const location = locationOf(await start(client, repository))
  const patched = await client.expect(202, 'PATCH', location, {
    headers: OCTETS,
    body: bytes,
    isChunked: true,
  })
  return close(client, nextLocation(patched, location), digest)
}

/** POST, PATCH the blob as one chunk, then PUT without a body. */
export const singleChunk: Upload = async (client, repository, { digest, bytes }) => {
  const location = locationOf(await start(client, repository))
  const patched = await sendChunk(client, location, 0, bytes)
  return close(client, nextLocation(patched, location), digest)
}

/** POST, PATCH chunk after chunk, then PUT without a body. */
export const manyChunks: Upload = async (client, repository, { digest, bytes }) => {
  const started = await start(client, repository)
  let location = locationOf(started)
  for (const { first, chunk } of cut(bytes, chunkBytesOf(started)))
    location = nextLocation(await sendChunk(client, location, first, chunk), location)
  return close(client, location, digest)
}

/** The same, the last chunk with the PUT. */
export const putLastChunk: Upload = async (client, repository, { digest, bytes }) => {
  const started = await start(client, repository)
  let location = locationOf(started)
  const chunks = cut(bytes, chunkBytesOf(started))
  const last = chunks.pop()
  assert.ok(last)
  for (const { first, chunk } of chunks)
    location = nextLocation(await sendChunk(client, location, first, chunk), location)
  return client.expect(201, 'PUT', withQuery(location, 'digest', digest), {
    headers: chunkHeaders(last.first, last.chunk),
    body: last.chunk,
  })
}

const SMALL_BYTES = 512

/** All ways that end in a 201 without a detour. */
export const WAYS: readonly Way[] = [
  { title: 'POST with the blob', sizeBytes: SMALL_BYTES, upload: postOnly },
  { title: 'POST, PUT with the blob', sizeBytes: SMALL_BYTES, upload: postAndPut },
  { title: 'POST, PUT with the blob, chunked', sizeBytes: SMALL_BYTES, upload: postAndPutChunked },
  { title: 'POST, streamed PATCH, PUT', sizeBytes: SMALL_BYTES, upload: stream },
  { title: 'POST, PATCH of one chunk, PUT', sizeBytes: SMALL_BYTES, upload: singleChunk },
  { title: 'POST, PATCH of three chunks, PUT', sizeBytes: THREE_CHUNKS_BYTES, upload: manyChunks },
  {
    title: 'POST, PATCH of two chunks, PUT of the third',
    sizeBytes: THREE_CHUNKS_BYTES,
    upload: putLastChunk,
  },
  { title: 'POST, PUT of an empty blob, chunked', sizeBytes: 0, upload: postAndPutChunked },
  { title: 'POST, PUT of an empty blob', sizeBytes: 0, upload: postAndPut },
  { title: 'POST with an empty blob', sizeBytes: 0, upload: postOnly },
]

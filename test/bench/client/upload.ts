/** A push of one blob, as dockerd (PATCH in chunks, then PUT) or containerd (one PUT) make it. */
import { blockReader, type Recipe } from '../content.ts'
import { Connection, formatRequest, type Head, type Target } from './connection.ts'

/** What to push. */
export interface Upload {
  readonly target: Target
  readonly name: string
  readonly blob: Recipe
  readonly digest: string
  readonly by: 'patch' | 'put'
}

/** Size of a piece in chunked transfer, in bytes: that of Go's clients. */
const CHUNK_BYTES = 32 * 1024

/** Bytes handed to the kernel at once. The wire looks the same, and this costs the client less. */
const WRITE_BYTES = 1024 * 1024

const LOCATION = /\r\nlocation: *(?:https?:\/\/[^/]*)?([^\r]*)/i

const LINE_END = Buffer.from('\r\n')

/** Bytes in chunked transfer. */
const chunked = (bytes: Buffer): Buffer => {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    const piece = bytes.subarray(at, at + CHUNK_BYTES)
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, LINE_END)
  }
  return Buffer.concat(parts)
}

/** One request and its answer's head. */
const exchange = (
  connection: Connection,
  request: Buffer,
  sendBody: () => Promise<void> = async () => {},
): Promise<Head> =>
  new Promise((resolve, reject) => {
    let head: Head | undefined
    connection.send(request, false, {
      onHead: (came) => {
        head = came
      },
      onEnd: () => (head === undefined || head.status >= 300 ? reject(new Error(head?.text)) : resolve(head)),
      onFailure: reject,
    })
    sendBody().catch(reject)
  })

const sendPlain = async (connection: Connection, recipe: Recipe): Promise<void> => {
  const read = blockReader(recipe)
  for (let at = 0; at < recipe.sizeBytes; ) {
    const block = read(at, WRITE_BYTES)
    at += block.length
    await connection.write(block)
  }
}

const sendChunked = async (connection: Connection, recipe: Recipe): Promise<void> => {
  const read = blockReader(recipe)
  // All full blocks but the first are alike.
  const repeated = chunked(read(WRITE_BYTES, WRITE_BYTES))
  for (let at = 0; at < recipe.sizeBytes; ) {
    const block = read(at, WRITE_BYTES)
    await connection.write(at > 0 && block.length === WRITE_BYTES ? repeated : chunked(block))
    at += block.length
  }
  await connection.write(Buffer.from('0\r\n\r\n'))
}

const locationOf = (head: Head): string => {
  const found = LOCATION.exec(head.text)?.[1]
  if (found === undefined) throw new Error(`an upload without a Location:\n${head.text}`)
  return found
}

const withDigest = (location: string, digest: string): string =>
  `${location}${location.includes('?') ? '&' : '?'}digest=${digest}`

/** Pushes as `order` says. @returns seconds from the first request to the last answer */
export const upload = async ({ target, name, blob, digest, by }: Upload): Promise<number> => {
  const connection = Connection.open(target)
  const beganAtMs = performance.now()
  try {
    const started = await exchange(
      connection,
      formatRequest('POST', `/v2/${name}/blobs/uploads/`, { 'Content-Length': '0' }),
    )
    let location = locationOf(started)
    const type = { 'Content-Type': 'application/octet-stream' }
    if (by === 'patch') {
      const patch = formatRequest('PATCH', location, { ...type, 'Transfer-Encoding': 'chunked' })
      location = locationOf(await exchange(connection, patch, () => sendChunked(connection, blob)))
    }
    const length = by === 'put' ? blob.sizeBytes : 0
    const put = formatRequest('PUT', withDigest(location, digest), {
      ...type,
      'Content-Length': String(length),
    })
    await exchange(connection, put, () => (by === 'put' ? sendPlain(connection, blob) : Promise.resolve()))
    return (performance.now() - beganAtMs) / 1000
  } finally {
    connection.close()
  }
}

/**
 * A request's body → the end of an upload's file. What came is kept when the client leaves: it asks how far it had come,
 * and goes on there. Of a chunk that is not as long as it said, or that the disk does not take, nothing stays.
 */
import { finished, type Readable } from 'node:stream'
import { RegistryError } from '../protocol/error.ts'
import { StorageError } from '../store/driver.ts'
import type { MakeRoom } from '../store/room.ts'
import { SlabWriter } from '../store/slabs.ts'
import type { HeldUpload } from './sessions.ts'

/** What is known of a body beforehand, and who hears of it. */
export interface Reception {
  /** How many bytes it must have; `undefined`: as many as come. */
  readonly exactBytes: number | undefined
  /** Told of bytes as they come. */
  readonly onBytes: (bytes: number) => void
  /** Asked for room when the disk is full. */
  readonly makeRoom: MakeRoom | undefined
}

/**
 * Appends a body.
 * @throws RegistryError `SIZE_INVALID`, StorageError, or the stream's own error when the client has left
 */
export const receiveBody = async (
  upload: HeldUpload,
  body: Readable,
  reception: Reception,
): Promise<void> => {
  const { file } = upload
  const before = { sizeBytes: file.written, digests: upload.digests.copy() }
  const writer = new SlabWriter(file, upload.digests, reception.makeRoom)
  try {
    await pour(upload, body, writer, reception)
    await writer.finish()
    upload.digests = writer.hash
  } catch (error) {
    if (error instanceof RegistryError || error instanceof StorageError) {
      await writer.abandon()
      // Where even that fails the next request finds what there is, and hashes it.
      await file.truncate(before.sizeBytes).catch(() => {})
      upload.digests = before.digests
    } else await keep(upload, writer)
    throw error
  }
}

const pour = async (
  upload: HeldUpload,
  body: Readable,
  writer: SlabWriter<HeldUpload['digests']>,
  { exactBytes, onBytes }: Reception,
): Promise<void> => {
  const onAbort = (): void => void body.destroy()
  if (upload.signal.aborted) onAbort()
  upload.signal.addEventListener('abort', onAbort, { once: true })
  let received = 0
  try {
    await forEachChunk(body, (chunk) => {
      upload.hear()
      onBytes(chunk.length)
      received += chunk.length
      if (received > (exactBytes ?? Number.POSITIVE_INFINITY)) throw wrongSize(exactBytes)
      return writer.add(chunk)
    })
  } finally {
    upload.endReading()
    upload.signal.removeEventListener('abort', onAbort)
  }
  if (exactBytes !== undefined && received !== exactBytes) throw wrongSize(exactBytes)
}

/**
 * Hands chunks on as they come, and reads no further while one is not done with. By events, since an iterator would copy
 * what gathers meanwhile into one piece: a tenth of what a push costs. The body is not destroyed when `take` fails: the
 * answer goes out on the same connection.
 * @param take `undefined`: it is done with the chunk at once
 * @throws what `take` throws, or the stream's own error
 */
const forEachChunk = (body: Readable, take: (chunk: Buffer) => Promise<void> | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    const end = (error?: unknown): void => {
      unwatch()
      body.off('data', onData)
      body.pause()
      if (error == null) resolve()
      else reject(error)
    }
    const onData = (chunk: Buffer): void => {
      try {
        const taking = take(chunk)
        if (taking === undefined) return
        body.pause()
        taking.then(() => body.resume(), end)
      } catch (error) {
        end(error)
      }
    }
    const unwatch = finished(body, { writable: false }, end)
    body.on('data', onData)
  })

const wrongSize = (exactBytes: number | undefined): RegistryError =>
  new RegistryError('SIZE_INVALID', {
    message: `the chunk does not have the ${exactBytes} bytes of its Content-Range: none of it was stored`,
  })

/** Writes what came before the failure; where the disk takes no more, what it has taken is the end. */
const keep = async (upload: HeldUpload, writer: SlabWriter<HeldUpload['digests']>): Promise<void> => {
  try {
    await writer.finish()
  } catch {
    await writer.abandon()
  }
  upload.digests = writer.hash
}

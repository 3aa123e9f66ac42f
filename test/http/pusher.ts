/** Pushes to a running entrepot as clients do, and checks that it was taken. */
import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { type Digest, type DigestAlgorithm, digestOf } from '../../src/protocol/digest.ts'
import type { Answer, TestEntrepot } from '../support/entrepot.ts'
import type { TestBlob, TestImage, TestManifest } from '../support/images.ts'

/** A client that pushes. */
export class Pusher {
  readonly #entrepot: TestEntrepot
  readonly #headers: Record<string, string>

  /** @param headers sent with every request: to log in */
  constructor(entrepot: TestEntrepot, headers: Record<string, string> = {}) {
    this.#entrepot = entrepot
    this.#headers = headers
  }

  /** Begins an upload. @returns its location */
  async start(name: string): Promise<string> {
    const answer = await this.#entrepot.ask('POST', `/v2/${name}/blobs/uploads/`, this.#headers)
    assert.equal(answer.status, 202, answer.body.toString())
    return locationOf(answer)
  }

  /** Pushes a whole blob. */
  async blob(name: string, bytes: Buffer, algorithm: DigestAlgorithm = 'sha256'): Promise<Digest> {
    const digest = digestOf(bytes, algorithm)
    const answer = await this.#entrepot.ask(
      'PUT',
      withDigest(await this.start(name), digest),
      this.#headers,
      bytes,
    )
    assert.equal(answer.status, 201, answer.body.toString())
    return digest
  }

  /** Puts a manifest; whatever comes of it is the caller's to look at. */
  put(
    name: string,
    reference: string,
    { bytes, mediaType }: Pick<TestManifest, 'bytes' | 'mediaType'>,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const path = `/v2/${name}/manifests/${reference}`
    return this.#entrepot.ask('PUT', path, { 'Content-Type': mediaType, ...this.#headers, ...headers }, bytes)
  }

  /** Pushes an image with all that it is made of. */
  async image(name: string, reference: string, image: TestImage): Promise<Answer> {
    for (const blob of [image.config, ...image.layers]) await this.blob(name, await bytesOf(blob))
    const answer = await this.put(name, reference, image.manifest)
    assert.equal(answer.status, 201, answer.body.toString())
    return answer
  }
}

/** The bytes of a blob. */
export const bytesOf = (blob: TestBlob): Promise<Buffer> => buffer(blob.stream(0, blob.sizeBytes - 1))

/** Where an answer leads. */
export const locationOf = ({ headers }: Answer): string => {
  assert.equal(typeof headers.location, 'string')
  return String(headers.location)
}

/** The location that closes an upload. */
export const withDigest = (location: string, digest: string): string => `${location}&digest=${digest}`

/** The first code of an error. */
export const codeOf = (answer: Answer): string | undefined =>
  (answer.json() as { errors: { code: string }[] }).errors[0]?.code

/** The message that goes with it. */
export const messageOf = (answer: Answer): string =>
  (answer.json() as { errors: { message: string }[] }).errors[0]?.message ?? ''

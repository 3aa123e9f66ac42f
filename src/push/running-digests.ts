/**
 * The digests of an upload while its bytes pass. What is not tracked (an algorithm that the client names only at the end,
 * or everything after a restart, since the state of a hash cannot be written down) is made up for by reading the file.
 */
import type { Hash } from 'node:crypto'
import { createDigester, type Digest, type DigestAlgorithm, finishDigest } from '../protocol/digest.ts'
import type { GrowingFile } from '../store/growing-file.ts'
import type { RunningHash } from '../store/slabs.ts'

/** Piece in which a file is read back, in bytes. */
const READ_BACK_BYTES = 1024 * 1024

/** Hashes over exactly the bytes of a file so far, by algorithm. */
export class RunningDigests implements RunningHash<RunningDigests> {
  readonly #hashes: ReadonlyMap<DigestAlgorithm, Hash>

  private constructor(hashes: ReadonlyMap<DigestAlgorithm, Hash>) {
    this.#hashes = hashes
  }

  /** Tracks from the first byte on. sha256 is always among them: bytes lie under it. */
  static begin(algorithm: DigestAlgorithm): RunningDigests {
    const algorithms = new Set<DigestAlgorithm>(['sha256', algorithm])
    return new RunningDigests(new Map([...algorithms].map((each) => [each, createDigester(each)])))
  }

  /** Tracks nothing: bytes are there that nobody has hashed. */
  static none(): RunningDigests {
    return new RunningDigests(new Map())
  }

  update(bytes: Uint8Array): void {
    for (const hash of this.#hashes.values()) hash.update(bytes)
  }

  copy(): RunningDigests {
    return new RunningDigests(new Map([...this.#hashes].map(([algorithm, hash]) => [algorithm, hash.copy()])))
  }

  /** The digests of the whole file by the algorithms asked for, those that were not tracked by reading it once. */
  async finish(
    file: GrowingFile,
    algorithms: ReadonlySet<DigestAlgorithm>,
  ): Promise<Map<DigestAlgorithm, Digest>> {
    const missing = [...algorithms].filter((algorithm) => !this.#hashes.has(algorithm))
    const read = new Map(missing.map((algorithm) => [algorithm, createDigester(algorithm)]))
    if (missing.length > 0) await hashFile(file, [...read.values()])
    return new Map(
      [...algorithms].map((algorithm) => {
        const hash = read.get(algorithm) ?? this.#hashes.get(algorithm)?.copy()
        return [algorithm, finishDigest(algorithm, hash!)]
      }),
    )
  }
}

const hashFile = async (file: GrowingFile, hashes: readonly Hash[]): Promise<void> => {
  const buffer = Buffer.allocUnsafe(Math.min(READ_BACK_BYTES, file.written))
  for (let position = 0; position < file.written; ) {
    const length = await file.read(buffer, position)
    if (length === 0) return
    for (const hash of hashes) hash.update(buffer.subarray(0, length))
    position += length
  }
}

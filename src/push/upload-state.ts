/**
 * The state that an upload's location carries (`_state`): which upload, of which repository, how far it had come. Signed,
 * so that nobody makes one up, and readable by every replica that has the same `http.secret`.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { isRepositoryName, type RepositoryName } from '../protocol/name.ts'
import { isUploadId } from '../store/uploads.ts'

/** What a location tells. */
export interface UploadState {
  readonly name: RepositoryName
  readonly id: string
  /** Bytes stored when the location was given, where the next chunk begins. */
  readonly offset: number
  /** When the upload began, in milliseconds since the epoch. */
  readonly startedAtMs: number
}

const SIGNATURE_BYTES = 32
/** Longest state that is looked at, in characters. */
const MAX_LENGTH = 2048

const sign = (secret: string, payload: Buffer): Buffer =>
  createHmac('sha256', secret).update(payload).digest()

/** The value of `_state`: base64url of signature and JSON. */
export const formatUploadState = (secret: string, state: UploadState): string => {
  const payload = Buffer.from(JSON.stringify(state))
  return Buffer.concat([sign(secret, payload), payload]).toString('base64url')
}

const isState = (value: unknown): value is UploadState => {
  const { name, id, offset, startedAtMs } = (value ?? {}) as Record<string, unknown>
  if (typeof name !== 'string' || typeof id !== 'string') return false
  const isOffset = typeof offset === 'number' && Number.isSafeInteger(offset) && offset >= 0
  return isRepositoryName(name) && isUploadId(id) && isOffset && typeof startedAtMs === 'number'
}

/** The state that `text` holds, or `undefined` where it was not signed with `secret`. */
export const parseUploadState = (secret: string, text: string): UploadState | undefined => {
  if (text.length > MAX_LENGTH) return undefined
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length <= SIGNATURE_BYTES) return undefined
  const payload = bytes.subarray(SIGNATURE_BYTES)
  if (!timingSafeEqual(bytes.subarray(0, SIGNATURE_BYTES), sign(secret, payload))) return undefined
  try {
    const state: unknown = JSON.parse(payload.toString())
    return isState(state) ? state : undefined
  } catch {
    return undefined
  }
}

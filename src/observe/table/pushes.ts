/** What is pushed, and what happens to content. */
import type { Make } from '../make.ts'
import { CONTENT_TYPES } from './reads.ts'

/** What is done with content: distribution's words for its events. */
export const OPERATIONS = ['pull', 'push', 'mount', 'delete'] as const

/** Makes them. */
export const pushMetrics = ({ counter, gauge }: Make) => ({
  operations: counter('entrepot_operations_total', 'What was done with content, each time with success', {
    action: OPERATIONS,
    type: CONTENT_TYPES,
  }),
  uploads: counter('entrepot_uploads_total', 'Uploads of blobs that ended, by outcome', {
    outcome: ['completed', 'mismatched', 'cancelled', 'stale'],
  }),
  uploadsActive: gauge('entrepot_uploads_active', 'Requests that write to an upload'),
  uploadBytes: counter('entrepot_upload_bytes_total', 'Bytes of blobs received in pushes'),
})

/** All operations of the admin API. */
import type { Handlers } from './operation.ts'
import { CONTENTS_OPERATIONS } from './operations/contents.ts'
import { JOB_OPERATIONS } from './operations/jobs.ts'
import { KEEP_OPERATIONS } from './operations/keep.ts'
import { STATUS_OPERATIONS } from './operations/status.ts'
import { UPSTREAM_OPERATIONS } from './operations/upstreams.ts'

/** Every operation, by name. */
export const OPERATIONS = {
  ...STATUS_OPERATIONS,
  ...UPSTREAM_OPERATIONS,
  ...JOB_OPERATIONS,
  ...CONTENTS_OPERATIONS,
  ...KEEP_OPERATIONS,
}

/** What does the work of all of them. */
export type AdminHandlers = Handlers<typeof OPERATIONS>

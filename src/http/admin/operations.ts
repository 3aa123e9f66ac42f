/** All operations of the admin API. */
import type { Handlers } from './operation.ts'
import { STATUS_OPERATIONS } from './operations/status.ts'

/** Every operation, by name. */
export const OPERATIONS = {
  ...STATUS_OPERATIONS,
}

/** What does the work of all of them. */
export type AdminHandlers = Handlers<typeof OPERATIONS>

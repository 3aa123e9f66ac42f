/** A call of each operation that is well formed, whatever comes of it: the type knows when one is missing. */
import type { CallInput, OperationName } from '../../support/admin.ts'

/** By operation. */
export const EXAMPLES: Readonly<Record<OperationName, CallInput>> = {
  status: {},
  listUpstreams: {},
  declareOutage: { parameters: { name: 'nowhere' }, body: { for: '10m' } },
  endOutage: { parameters: { name: 'nowhere' } },
  listJobs: {},
  job: { parameters: { id: '0123456789ab' } },
  cancelJob: { parameters: { id: '0123456789ab' } },
}

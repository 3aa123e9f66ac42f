/** A call of each operation that is well formed, whatever comes of it: the type knows when one is missing. */
import type { CallInput, OperationName } from '../../support/admin.ts'

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`

/** By operation. */
export const EXAMPLES: Readonly<Record<OperationName, CallInput>> = {
  status: {},
  listUpstreams: {},
  declareOutage: { parameters: { name: 'nowhere' }, body: { for: '10m' } },
  endOutage: { parameters: { name: 'nowhere' } },
  warm: { body: { references: ['alpine:3'], platforms: ['linux/arm64'] } },
  listJobs: {},
  job: { parameters: { id: '0123456789ab' } },
  cancelJob: { parameters: { id: '0123456789ab' } },
  listRepositories: { parameters: { n: '10', last: 'library/alpine', filter: 'library/*' } },
  describeRepository: { parameters: { repository: 'library/alpine', n: '10', last: '3' } },
  explain: { parameters: { reference: 'alpine:3', ns: 'docker.io' } },
  listFetches: {},
  refresh: { body: { repository: 'library/alpine', tag: '3' } },
  purge: { body: { repository: 'library/alpine', digest: DIGEST, unusedFor: '7d', dryRun: true } },
  listPins: { parameters: { repository: 'library/alpine' } },
  pin: { body: { repository: 'library/alpine', reference: '3' } },
  startGc: { body: { dryRun: true, untagged: true } },
  startScrub: {},
  unpin: { body: { repository: 'library/alpine', reference: DIGEST } },
}

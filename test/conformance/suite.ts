/**
 * What the public conformance suites assert, as tests of our own: request by request, and stricter, since what those
 * count as "skipped" (202 to a mount, 405 to a delete) fails here. Sources: the rewritten suite of distribution-spec's
 * main branch of July 2026, and the earlier one at v1.1.1 (folder `earlier`).
 */
import { testBeginning } from './beginning.ts'
import { testBlobs } from './blobs.ts'
import { testChunks } from './chunks.ts'
import type { GetClient } from './client.ts'
import { testData, testSparseData, testTagParameter } from './data.ts'
import { testDiscovery } from './earlier/discovery.ts'
import { testManagement } from './earlier/management.ts'
import { testPull } from './earlier/pull.ts'
import { testPush } from './earlier/push.ts'
import { testRefusals } from './refusals.ts'

/** Tests a registry whose two repositories nobody has pushed to; it has its checks on. */
export const testConformance = (client: GetClient): void => {
  testBeginning(client)
  testBlobs(client)
  testChunks(client)
  testData(client)
  testTagParameter(client)
  testRefusals(client)
  testPull(client)
  testPush(client)
  testDiscovery(client)
  testManagement(client)
}

/** Tests what a registry takes only with its checks off (`validation.disabled: true`). */
export const testUncheckedConformance = (client: GetClient): void => {
  testSparseData(client)
}

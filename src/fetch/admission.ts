/** Whether what is fetched may be kept, and where to: asked before a flight writes, and when its size is known. */
import { algorithmOf, digestOf } from '../protocol/digest.ts'
import { withRoom } from '../store/room.ts'
import { UpstreamError } from '../upstream/upstream.ts'
import type { Partial } from './partial.ts'
import type { FlightPlan, FlightTools } from './plan.ts'

/**
 * Opens the partial of what may be kept, as far as is known yet.
 * @param isNew whether nothing is left of it: then the disk is asked when the first bytes have come, which wait for nothing
 * @throws StorageError
 */
export const openAdmitted = async (
  { admission, partials, makeRoom }: FlightTools,
  plan: FlightPlan,
  isNew: boolean,
): Promise<Partial> => {
  if (isNew) {
    admission?.requireFit(plan, plan.sizeBytes)
    return partials.begin(plan.digest, async () => admission?.admit(plan))
  }
  await admission?.admit(plan)
  return withRoom(makeRoom, plan.sizeBytes ?? 0, () => partials.open(plan.digest))
}

/** @throws UpstreamError for a blob without a byte that has another digest: there is no last byte to hold back */
export const requirePlausible = ({ digest, upstream }: FlightPlan, sizeBytes: number | undefined): void => {
  if (sizeBytes === 0 && digest !== digestOf('', algorithmOf(digest)))
    throw new UpstreamError('corrupt', `${upstream.name} says that ${digest} is empty`)
}

/** What is fetched ahead: on an operator's order, and what the configuration lists. */
import type { Make } from '../make.ts'

/** What became of an image: `present`: all of it was here; `skipped`: its upstream is not well. */
export const WARM_OUTCOMES = ['fetched', 'present', 'failed', 'skipped'] as const

/** Makes them. */
export const warmMetrics = ({ counter }: Make) => ({
  warmImages: counter('entrepot_warm_images_total', 'Images that a warm-up is done with, by outcome', {
    outcome: WARM_OUTCOMES,
  }),
  warmBytes: counter('entrepot_warm_bytes_total', 'Bytes that warm-ups fetched ahead of clients'),
})

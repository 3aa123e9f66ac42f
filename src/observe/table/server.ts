/** The server itself. */
import { LATER, type Make } from '../make.ts'

/** Makes them. */
export const serverMetrics = ({ gauge }: Make) => ({
  buildInfo: gauge('entrepot_build_info', '1, with the version of this server', { version: LATER }),
  ready: gauge('entrepot_ready', '1 while stored content can be served and nobody asked for a drain'),
  checksFailing: gauge('entrepot_checks_failing', 'Health checks and upstreams that are unwell'),
})

/** What is to be reached, as ratios within one run: entrepot's figure divided by another's, or a figure by itself. */
import type { CaseResult } from './report/result.ts'
import type { ContestantName } from './servers/server.ts'

/** One thing to be reached. */
export interface Target {
  readonly case: string
  /** A metric's name, or its beginning. */
  readonly metric: string
  /** Whose figure entrepot's is divided by; unset: entrepot's own figure counts. */
  readonly to?: ContestantName
  readonly atLeast?: number
  readonly atMost?: number
}

/** How a target was met. */
export interface Verdict {
  readonly target: Target
  readonly metric: string
  /** The ratio, or the figure, that was reached. */
  readonly reached: number
  readonly isMet: boolean
}

export const TARGETS: readonly Target[] = [
  { case: 'warm-blob', metric: '1 client(s): GB/s', to: 'docker-registry', atLeast: 1.2 },
  { case: 'warm-blob', metric: '1 client(s): GB/s', to: 'nginx-static', atLeast: 0.97 },
  { case: 'warm-blob', metric: '16 client(s): GB/s', to: 'docker-registry', atLeast: 1.2 },
  { case: 'warm-blob', metric: '16 client(s): GB/s', to: 'nginx-static', atLeast: 0.8 },
  { case: 'warm-blob', metric: '1 client(s): CPU', to: 'docker-registry', atMost: 0.85 },
  { case: 'warm-blob', metric: '16 client(s): CPU', to: 'docker-registry', atMost: 0.85 },
  { case: 'warm-blob', metric: '1 client(s): CPU', to: 'nginx-static', atMost: 1.3 },
  { case: 'warm-blob', metric: '16 client(s): CPU', to: 'nginx-static', atMost: 1.6 },
  { case: 'warm-blob', metric: 'first byte', to: 'docker-registry', atMost: 1 / 7 },
  { case: 'warm-blob', metric: 'first byte', to: 'distribution', atMost: 1 / 3 },
  { case: 'warm-blob-tls', metric: '1 client(s): GB/s', to: 'docker-registry', atLeast: 1.3 },
  { case: 'warm-blob-tls', metric: '1 client(s): GB/s', to: 'nginx-static', atLeast: 1.3 },
  { case: 'warm-blob-tls', metric: '16 client(s): GB/s', to: 'docker-registry', atLeast: 1 },
  { case: 'warm-blob-tls', metric: '16 client(s): GB/s', to: 'nginx-static', atLeast: 1 },
  { case: 'warm-manifest', metric: 'requests/s', to: 'docker-registry', atLeast: 40 },
  { case: 'warm-manifest', metric: 'requests/s', to: 'distribution', atLeast: 8 },
  { case: 'warm-manifest', metric: 'requests/s', to: 'nginx-cache', atLeast: 0.6 },
  { case: 'warm-manifest', metric: 'p99', to: 'docker-registry', atMost: 1 / 20 },
  { case: 'small-blobs', metric: 'requests/s', to: 'docker-registry', atLeast: 30 },
  { case: 'cold-blob', metric: 'first byte after direct', atMost: 2 },
  { case: 'cold-blob', metric: 'total', to: 'direct', atMost: 1.01 },
  { case: 'cold-image', metric: 'total', to: 'direct', atMost: 0.98 },
  { case: 'cold-image-dockerd', metric: 'total', to: 'direct', atMost: 0.9 },
  { case: 'cold-gigabyte', metric: 'GB/s', to: 'distribution', atLeast: 1.15 },
  { case: 'cold-gigabyte', metric: 'CPU', to: 'distribution', atMost: 1 },
  { case: 'herd', metric: 'upstream GETs', atMost: 1 },
  { case: 'herd', metric: 'last / single', atMost: 1.05 },
  { case: 'many-clients', metric: 'peak memory', atMost: 160 },
  { case: 'push', metric: 'GB/s', to: 'distribution', atLeast: 1.1 },
  { case: 'push', metric: 'GB/s', to: 'docker-registry', atLeast: 1.8 },
  { case: 'start', metric: 'first 200', atMost: 0.4 },
  { case: 'busy', metric: 'manifest p99', to: 'nginx-cache', atMost: 1 },
  { case: 'busy', metric: 'event-loop delay', atMost: 10 },
]

const matches = (name: string, beginning: string): boolean => name.includes(beginning)

const isMet = ({ atLeast, atMost }: Target, reached: number): boolean =>
  (atLeast === undefined || reached >= atLeast) && (atMost === undefined || reached <= atMost)

/** How each target fared that `result` has figures for. */
export const judge = (result: CaseResult): Verdict[] =>
  TARGETS.filter((target) => target.case === result.name).flatMap((target) =>
    result.metrics
      .filter(({ name }) => matches(name, target.metric))
      .flatMap((metric) => {
        const summary = target.to === undefined ? metric.values.entrepot : metric.ratios[target.to]
        if (summary === undefined) return []
        const reached = summary.median
        return [{ target, metric: metric.name, reached, isMet: isMet(target, reached) }]
      }),
  )

/** How long reads wait for upstreams, in milliseconds: `limits` of the configuration. */
export interface Deadlines {
  /** In all, where a cached answer could be given instead. */
  readonly cachedMs: number
  /** In all, where there is none. */
  readonly answerMs: number
  /** How long an upstream's 404 is remembered. */
  readonly absentForMs: number
}

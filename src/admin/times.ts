/** Times as they are told. */

/** ISO 8601 in UTC; `undefined` for what never was. */
export const toTime = (atMs: number | undefined): string | undefined =>
  atMs === undefined || atMs <= 0 ? undefined : new Date(atMs).toISOString()

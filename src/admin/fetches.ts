/** What is being fetched just now. */
import type { Flights } from '../fetch/flights.ts'
import { toTime } from './times.ts'

/** Fetches that one answer tells of. */
const MAX_FETCHES = 1000

/** The fetches in progress. @param nowMs milliseconds since the epoch */
export const listFetches = (flights: Pick<Flights, 'list'>, nowMs: number) => ({
  fetches: flights
    .list()
    .slice(0, MAX_FETCHES)
    .map(({ plan, sizeBytes, writtenBytes, audience, resumes, ageMs }) => ({
      digest: plan.digest as string,
      repository: plan.name,
      upstream: plan.upstream.name,
      writtenBytes,
      sizeBytes: sizeBytes ?? plan.sizeBytes,
      readers: audience.readers,
      startedAt: toTime(nowMs - ageMs) ?? '',
      resumes,
    })),
})

/**
 * `limits`: every deadline, queue and bound that can be set, with its default (design §5). entrepot's own section.
 */
import { integer, size, wait } from '../kinds.ts'
import { section } from '../section.ts'

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const KIB = 2 ** 10
const MIB = 2 ** 20

/** Section `limits`. */
export const limits = section({
  connectaddress: wait.default(5 * SECOND_MS).describe('To connect to one address of an upstream.'),
  connect: wait.default(15 * SECOND_MS).describe('To connect to an upstream, all its addresses tried.'),
  request: wait
    .default(10 * SECOND_MS)
    .describe('An answer to a token, HEAD, manifest or list request to an upstream.'),
  requestcached: wait
    .default(3 * SECOND_MS)
    .describe('The same, in all, where a cached copy could be served instead.'),
  firstbyte: wait.default(20 * SECOND_MS).describe("An upstream's first byte of a blob."),
  stall: wait.default(30 * SECOND_MS).describe('A blob under way without a new byte; then it is resumed.'),
  resume: wait.default(2 * MINUTE_MS).describe('Resuming a blob without one new byte; then it has failed.'),
  lasttry: wait
    .default(10 * SECOND_MS)
    .describe("After a blob's place in the queue: until then another try for its first byte may begin."),
  manifest: wait.default(25 * SECOND_MS).describe('A manifest answer to a client, everything included.'),
  requests: integer(1).default(16).describe('Short requests to an upstream at once.'),
  transfers: integer(1).default(12).describe('Blobs from an upstream at once.'),
  absent: wait.default(10 * SECOND_MS).describe("How long an upstream's 404 is remembered; a push ends it."),
  clientstall: wait
    .default(10 * MINUTE_MS)
    .describe('A client that takes no byte, or sends none of its push. podman unpacks while it reads.'),
  requestheader: wait.default(MINUTE_MS).describe("A request's header. Its body has no limit of time."),
  keepalive: wait.default(2 * MINUTE_MS).describe('An idle connection of a client.'),
  headersize: size.default(64 * KIB).describe('Headers of a request, and of an upstream answer.'),
  manifestsize: size.default(4 * MIB).describe('A manifest.'),
  connections: integer(1).default(4096).describe('Connections of clients.'),
  scrubrate: size.default(10e6).describe('Bytes a second that the background scrub reads; 0 turns it off.'),
})

/** `health`: checks that run by themselves. distribution's section; variables use the names of its Go fields. */
import { flag, goWaitOr, integer, oneOf, path, text, url } from '../kinds.ts'
import { listOf, mapOf, section } from '../section.ts'

const INTERVAL_MS = 10_000

const interval = goWaitOr(INTERVAL_MS).describe('Time between two checks.')
const threshold = integer(0).default(0).describe('Failures in a row until it counts as unhealthy.')
const timeout = goWaitOr(INTERVAL_MS).describe('Time that an answer may take.')

/** Section `health`. */
export const health = section({
  storagedriver: section({
    enabled: flag.default(false).describe('Checks the storage.'),
    interval,
    threshold,
  })
    .prefault({})
    .describe('The storage.'),
  file: listOf(
    section({
      file: path.describe('Unhealthy while this file exists: takes the server out of rotation.'),
      interval,
    }),
  )
    .default([])
    .meta({ description: 'Files.', env: 'FILECHECKERS' }),
  http: listOf(
    section({
      uri: url.describe('What is asked, by `HEAD`.'),
      headers: mapOf(listOf(text))
        .default({})
        .meta({ description: 'Headers of the request.', isSecret: true }),
      statuscode: integer(0, 599).default(200).describe('The status that is healthy.'),
      timeout,
      interval,
      threshold,
    }),
  )
    .default([])
    .meta({ description: 'Web servers.', env: 'HTTPCHECKERS' }),
  tcp: listOf(section({ addr: text.describe('`host:port` to connect to.'), timeout, interval, threshold }))
    .default([])
    .meta({ description: 'TCP servers.', env: 'TCPCHECKERS' }),
})

const SECOND_MS = 1000

const endpoint = section({
  name: text.describe('Name, for log and metrics.'),
  disabled: flag.default(false).describe('Turns the endpoint off.'),
  url: url.describe('Where events are posted.'),
  headers: mapOf(listOf(text)).default({}).meta({
    description:
      'Headers of each post; a `Content-Type` takes the place of `application/vnd.docker.distribution.events.v1+json`.',
    isSecret: true,
  }),
  timeout: goWaitOr(SECOND_MS).describe('Time that an answer may take.'),
  threshold: integer(0).default(10).describe('Failures in a row until the endpoint rests for `backoff`.'),
  backoff: goWaitOr(SECOND_MS).describe('How long it rests.'),
  ignoredmediatypes: listOf(text).default([]).describe('Media types whose events are not sent.'),
  ignore: section({
    mediatypes: listOf(text).default([]).describe('Media types whose events are not sent.'),
    actions: listOf(oneOf('pull', 'push', 'mount', 'delete'))
      .default([])
      .describe('Actions that are not sent.'),
  })
    .prefault({})
    .describe('What is not sent.'),
})

/** Section `notifications`: events to web hooks. distribution's section. */
export const notifications = section({
  events: section({
    includereferences: flag.default(false).describe("Adds the manifest's references to its event."),
  })
    .prefault({})
    .meta({ description: 'What events hold.', env: 'EVENTCONFIG' }),
  endpoints: listOf(endpoint).default([]).describe('Who is told.'),
})

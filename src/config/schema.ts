/**
 * Every key of the configuration file: its type, default, unit and a sentence of documentation. The file of
 * distribution (`version: 0.1`, 2.x and 3.x, protocol.md §8) with entrepot's own sections beside its own. This one list
 * reads the file and the variables, prints the effective configuration and makes docs/configuration.md.
 *
 * A parsed configuration is keyed as in the file; durations are milliseconds and sizes are bytes.
 */
import type { z } from 'zod'
import { text } from './kinds.ts'
import { access, admin, trustedproxies, warm } from './schema/access.ts'
import { auth } from './schema/auth.ts'
import { cache, local } from './schema/cache.ts'
import { health, notifications } from './schema/health.ts'
import { catalog, http, tags } from './schema/http.ts'
import { limits } from './schema/limits.ts'
import { log, logLevel } from './schema/log.ts'
import { proxy, validation } from './schema/proxy.ts'
import { storage } from './schema/storage.ts'
import { compatibility, middleware, policy, redis, reporting } from './schema/unused.ts'
import { upstreams } from './schema/upstreams.ts'
import { section } from './section.ts'

/** The whole file. */
export const schema = section({
  version: text.describe('Version of the format: 0.1.'),
  log: log.prefault({}).describe('The application log (stderr) and the access log (stdout).'),
  loglevel: logLevel.optional().describe('Old spelling of `log.level`.'),
  storage: storage.describe('Where the bytes lie: exactly one driver, and options.'),
  auth: auth.optional().describe('Who may come in: one kind of authentication. Unset: everybody.'),
  middleware: middleware.prefault({}).describe('Middleware.'),
  reporting,
  http: http.prefault({}).describe('Listeners.'),
  notifications: notifications.prefault({}).describe('Events to web hooks.'),
  redis,
  health: health.prefault({}).describe('Checks that run by themselves.'),
  catalog: catalog.prefault({}).describe('The catalog.'),
  tags: tags.prefault({}).describe('Tags lists.'),
  proxy: proxy.prefault({}).describe('The default upstream.'),
  compatibility,
  validation: validation.prefault({}).describe('What a pushed manifest must be.'),
  policy,
  upstreams: upstreams.default([]).describe('More upstreams, and more settings for the default one.'),
  cache: cache.prefault({}).describe('What is kept of upstreams.'),
  local: local.prefault({}).describe('What is pushed here.'),
  access: access.optional().describe('Who may do what: `mirror`, a list of rules, or this section.'),
  admin: admin.prefault({}).describe('Admin calls.'),
  warm: warm.prefault({}).describe('Images that are fetched ahead.'),
  trustedproxies: trustedproxies
    .default([])
    .describe('Addresses, besides loopback, whose `X-Forwarded-For` is believed.'),
  limits: limits.prefault({}).describe('Deadlines, queues and bounds.'),
})

/** A configuration with its defaults filled in. */
export type Config = z.output<typeof schema>

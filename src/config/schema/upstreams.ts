/** `upstreams`: registries to mirror besides the default one, and settings for it. entrepot's own section. */
import { amount, baseUrl, glob, integer, isNetwork, path, secret, text, url } from '../kinds.ts'
import { textLeaf } from '../leaf.ts'
import { listOf, section } from '../section.ts'

const HOST = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/i

/** A host, with or without a port, in lower case. */
const host = textLeaf('host', 'a host such as ghcr.io or registry.example:5000', (value) =>
  HOST.test(value) ? value.toLowerCase() : undefined,
)

/** A first component of repository names. */
const name = textLeaf('name', 'lower-case letters and digits, with . _ or - between them', (value) =>
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/.test(value) ? value : undefined,
)

const target = textLeaf(
  'host, address or CIDR',
  'a host, an address, a network such as 10.0.0.0/8, or any',
  (value) => (isNetwork(value) || HOST.test(value) ? value.toLowerCase() : undefined),
)

const upstream = section({
  host: host.describe(
    "The registry's host, as `?ns=` and image names say it; with a port it needs a `name`.",
  ),
  name: name.optional().describe('First component of its repositories here; unset: the host.'),
  remoteurl: baseUrl.optional().describe('Base URL of its API; unset: `https://` and the host.'),
  username: text.optional().describe('Account there.'),
  password: secret.optional().describe('Its password or access token.'),
  passwordfile: path.optional().describe('File that holds the password, instead of `password`.'),
  ca: path
    .optional()
    .describe('PEM file of authorities that are trusted for it, besides those of the system.'),
  allow: listOf(glob).default([]).describe('Repositories that may be mirrored; none: all.'),
  deny: listOf(glob).default([]).describe('Repositories that may not, whatever `allow` says.'),
  realms: listOf(host)
    .default([])
    .describe('Hosts besides its own domain that may receive its credentials for a token.'),
  redirects: listOf(target)
    .default([])
    .describe('Private hosts, addresses or networks that it may redirect to; `any`: all of them.'),
  proxy: url.optional().describe('HTTP proxy to reach it through, instead of `HTTPS_PROXY` and its like.'),
  limits: section({
    requests: integer(1).optional().describe('Short requests at once; unset: `limits.requests`.'),
    transfers: integer(1).optional().describe('Blobs at once; unset: `limits.transfers`.'),
  })
    .prefault({})
    .describe('Its own limits.'),
  share: amount
    .optional()
    .describe('Most of the disk that its content may take, as a size or as a share of `cache.maxsize`.'),
})

/** Section `upstreams`. */
export const upstreams = listOf(upstream)

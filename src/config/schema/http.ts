/** `http`: listeners. distribution's section. */
import { CIPHER_SUITES, type CipherSuite } from '../ciphers.ts'
import { baseUrl, flag, goWait, integerOr, oneOf, path, secret, text } from '../kinds.ts'
import { textLeaf } from '../leaf.ts'
import { listOf, mapOf, section } from '../section.ts'

/** Where the debug listener is unless `http.debug.addr` says otherwise; this one being busy does not fail the start. */
export const DEFAULT_DEBUG_ADDR = '127.0.0.1:5001'

/** Unset `http.draintimeout`: inside the 10 s that `docker stop` waits. */
const DEFAULT_DRAIN_MS = 8000

const prefix = textLeaf('path', 'a path with a slash at both ends, such as /registry/', (value) =>
  /^\/([^?#\s]*\/)?$/.test(value) ? value : undefined,
)

const SUITES = Object.keys(CIPHER_SUITES) as CipherSuite[]

const cipherSuite = textLeaf('cipher suite', SUITES.join(', '), (value) =>
  SUITES.find((suite) => suite === value),
)

const tls = section({
  certificate: path
    .optional()
    .describe('PEM file of the certificate and its chain; taken up anew when it changes.'),
  key: path.optional().describe('PEM file of the key.'),
  clientcas: listOf(path)
    .default([])
    .describe('PEM files of the authorities that sign certificates of clients.'),
  clientauth: oneOf(
    'request-client-cert',
    'require-any-client-cert',
    'verify-client-cert-if-given',
    'require-and-verify-client-cert',
  )
    .default('require-and-verify-client-cert')
    .describe('What is asked of clients where `clientcas` is set.'),
  minimumtls: oneOf('tls1.0', 'tls1.1', 'tls1.2', 'tls1.3')
    .default('tls1.2')
    .describe('Oldest version of TLS spoken.'),
  ciphersuites: listOf(cipherSuite)
    .default([])
    .describe('Cipher suites up to TLS 1.2, by the names of Go. None: the safe ones.'),
  letsencrypt: section({
    cachefile: path.optional(),
    email: text.optional(),
    hosts: listOf(text).default([]),
    directoryurl: text.optional(),
  })
    .optional()
    .meta({
      description: 'Certificates from an ACME authority.',
      refused:
        'let an ACME client write http.tls.certificate and http.tls.key: changed files are taken up by themselves',
    }),
})

const debug = section({
  addr: text.default(DEFAULT_DEBUG_ADDR).describe('Address of the listener for metrics, health and admin.'),
  prometheus: section({
    enabled: flag.default(true).describe('Serves metrics; in distribution they must be switched on.'),
    path: text.default('/metrics').describe('Path of the metrics.'),
  })
    .prefault({})
    .describe('Metrics.'),
})

/** Section `http`. */
export const http = section({
  addr: text
    .default(':5000')
    .describe('Address of the registry: `host:port`, or a path where `net` is unix.'),
  net: oneOf('tcp', 'unix').default('tcp').describe('What `addr` is.'),
  prefix: prefix.optional().describe('Path that everything lies below, with a slash at both ends.'),
  host: baseUrl
    .optional()
    .describe('URL of this registry as clients see it. Unset: `Location` and `Link` are paths.'),
  secret: secret.optional().describe('Signs the state of uploads; the same on all replicas. Unset: random.'),
  relativeurls: flag.default(false).describe('Sends paths in `Location` and `Link` though `host` is set.'),
  draintimeout: goWait
    .default(DEFAULT_DRAIN_MS)
    .describe('Time that transfers get to end after SIGTERM; 0 stops at once.'),
  headers: mapOf(listOf(text)).default({}).describe('Headers of every answer: name → list of values.'),
  tls: tls.optional().describe('TLS: on where a certificate is given.'),
  debug: debug.prefault({}).describe('The other listener, plain HTTP.'),
  http2: section({
    disabled: flag.default(false).describe('HTTP/2 off; entrepot speaks HTTP/1.1 alone.'),
  })
    .prefault({})
    .describe('HTTP/2.'),
  h2c: section({
    enabled: flag.default(false).meta({
      description: 'HTTP/2 without TLS.',
      instead: 'HTTP/1.1 is spoken, which every client does too',
    }),
  })
    .prefault({})
    .describe('HTTP/2 without TLS.'),
})

/** Section `catalog`. */
export const catalog = section({
  maxentries: integerOr(1000).describe('Most repositories in a page of the catalog; 0 and less mean 1000.'),
})

/** Section `tags`. */
export const tags = section({
  maxtags: integerOr(1000, 0).describe('Most tags in a page of a tags list; 0 means 1000.'),
})

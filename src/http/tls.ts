/**
 * TLS of a listener, from files (distribution's `http.tls`): what Node needs to know, taken up anew when a file
 * changes, without a restart and without touching connections that are open. Files that make no sense are told of
 * once, and what was there before goes on.
 */
import type { X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls'
import { Reloaded } from '../access/reload.ts'
import { isKeyOf, readCertificates, serverCertificateProblems } from '../certs/describe.ts'

/** How often the files are looked at, in milliseconds. */
const WATCH_INTERVAL_MS = 5000

/** What is asked of clients: distribution's words, which are Go's. */
export type ClientAuth =
  | 'request-client-cert'
  | 'require-any-client-cert'
  | 'verify-client-cert-if-given'
  | 'require-and-verify-client-cert'

/** `http.tls` of the configuration. */
export interface TlsOptions {
  /** PEM file: the certificate, and the chain below it. */
  readonly certificate: string
  readonly key: string
  /** PEM files of authorities for clients' certificates; none: clients are not asked for one. */
  readonly clientCas: readonly string[]
  readonly clientAuth: ClientAuth
  /** 1.0 and 1.1 are not spoken, by nobody's wish. */
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** Suites up to TLS 1.2 in OpenSSL's names, separated by colons; `undefined`: Node's. */
  readonly ciphers: string | undefined
}

/** Who is told what. */
export interface TlsObserver {
  /** Something about the certificate that clients will not like, a line each, at first and after each change. */
  readonly onWarning: (message: string) => void
  /** A change that is not taken up. */
  readonly onProblem: (error: Error) => void
  /** New files are in use. */
  readonly onChange: (expiresAtMs: number) => void
}

/** Node drops TLS 1.3 where a list of suites names none of it; in Go the list has no say there. */
const SUITES_OF_13 = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256'

/** What a reading of the files gave. */
interface Loaded {
  readonly context: SecureContextOptions
  readonly certificate: X509Certificate
}

/** The TLS side of one listener. */
export class TlsFiles {
  readonly #files: Reloaded<Loaded>
  readonly #options: TlsOptions
  #current: Loaded
  #onContext: (context: SecureContextOptions) => void = () => {}
  #timer: NodeJS.Timeout | undefined

  private constructor(options: TlsOptions, files: Reloaded<Loaded>, first: Loaded) {
    this.#options = options
    this.#files = files
    this.#current = first
  }

  /**
   * Reads the files.
   * @param now milliseconds, for when to look at them again; a test passes its own clock
   * @throws Error that names the file and what is wrong with it
   */
  static async open(options: TlsOptions, observer: TlsObserver, now?: () => number): Promise<TlsFiles> {
    const files: Reloaded<Loaded> = await Reloaded.open({
      paths: [options.certificate, options.key, ...options.clientCas],
      parse: (contents) => load(options, contents),
      onProblem: observer.onProblem,
      onChange: (loaded) => {
        tls.#take(loaded)
        warn(loaded, observer)
        observer.onChange(Date.parse(loaded.certificate.validTo))
      },
      ...(now && { now }),
    })
    const first = await files.current()
    const tls = new TlsFiles(options, files, first)
    warn(first, observer)
    return tls
  }

  /** When the certificate expires, in milliseconds since the epoch. */
  get expiresAtMs(): number {
    return Date.parse(this.#current.certificate.validTo)
  }

  /** For `https.createServer`. */
  get serverOptions() {
    const { clientCas, clientAuth } = this.#options
    return {
      ...this.#current.context,
      requestCert: clientCas.length > 0,
      rejectUnauthorized: clientCas.length > 0 && clientAuth === 'require-and-verify-client-cert',
    }
  }

  /** Gives a server new files as they come, and turns away the clients that it has to, until `close`. */
  attach(server: Server): void {
    server.on('secureConnection', (socket: TLSSocket) => {
      if (!this.#isWelcome(socket)) socket.destroy()
    })
    this.#onContext = (context) => server.setSecureContext(context)
    this.#timer = setInterval(() => void this.#files.current(), WATCH_INTERVAL_MS).unref()
  }

  /** Looks at the files now. */
  async check(): Promise<void> {
    await this.#files.current()
  }

  /** Looks at no file any more. */
  close(): void {
    clearInterval(this.#timer)
  }

  #take(loaded: Loaded): void {
    this.#current = loaded
    this.#onContext(loaded.context)
  }

  /** What Node does not do by itself: its two switches know two of Go's four ways. */
  #isWelcome(socket: TLSSocket): boolean {
    const { clientCas, clientAuth } = this.#options
    if (clientCas.length === 0) return true
    const isGiven = socket.getPeerX509Certificate() !== undefined
    if (clientAuth === 'require-any-client-cert') return isGiven
    return clientAuth !== 'verify-client-cert-if-given' || !isGiven || socket.authorized
  }
}

const load = (options: TlsOptions, [cert = '', key = '', ...ca]: readonly string[]): Loaded => {
  const [certificate] = readCertificates(cert)
  if (certificate === undefined) throw new Error(`${options.certificate} holds no certificate in PEM form`)
  if (!isKey(certificate, key, options))
    throw new Error(`${options.key} is not the key of the certificate in ${options.certificate}`)
  const context = contextOf(options, cert, key, ca)
  createSecureContext(context)
  return { context, certificate }
}

const isKey = (certificate: X509Certificate, key: string, options: TlsOptions): boolean => {
  try {
    return isKeyOf(certificate, key)
  } catch (cause) {
    throw new Error(`${options.key} holds no private key that can be read`, { cause })
  }
}

const contextOf = (
  { clientCas, minVersion, ciphers }: TlsOptions,
  cert: string,
  key: string,
  ca: readonly string[],
): SecureContextOptions => {
  for (const [index, text] of ca.entries())
    if (readCertificates(text).length === 0)
      throw new Error(`${clientCas[index]} holds no certificate in PEM form`)
  return {
    cert,
    key,
    minVersion,
    ...(ca.length > 0 && { ca: [...ca] }),
    ...(ciphers !== undefined && { ciphers: `${SUITES_OF_13}:${ciphers}` }),
  }
}

const warn = ({ certificate }: Loaded, { onWarning }: TlsObserver): void => {
  for (const problem of serverCertificateProblems(certificate, Date.now())) onWarning(problem)
}

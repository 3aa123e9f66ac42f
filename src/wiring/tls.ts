/** `http.tls` of the configuration → the certificate of the registry's listener. */
import { formatCiphers } from '../config/ciphers.ts'
import { ConfigError } from '../config/error.ts'
import type { Config } from '../config/schema.ts'
import { TlsFiles } from '../http/tls.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'

/** Who is told of certificates. */
interface TlsTools {
  readonly metrics: Metrics
  readonly log: Logger
}

/**
 * Reads the files; `undefined` where the listener is plain HTTP.
 * @throws ConfigError for files that make no sense
 */
export const openTls = async ({ http: { tls } }: Config, tools: TlsTools): Promise<TlsFiles | undefined> => {
  const { metrics, log } = tools
  if (tls?.certificate === undefined || tls.key === undefined) return undefined
  const { certificate, key } = tls
  const tell = (expiresAtMs: number): void =>
    metrics.certificateExpiry.set({ certificate }, Math.floor(expiresAtMs / 1000))
  const options = {
    certificate,
    key,
    clientCas: tls.clientcas,
    clientAuth: tls.clientauth,
    minVersion: tls.minimumtls === 'tls1.3' ? 'TLSv1.3' : 'TLSv1.2',
    ciphers: formatCiphers(tls.ciphersuites),
  } as const
  const observer = {
    onWarning: (message: string) => log.warn(`${certificate}: ${message}`),
    onProblem: (error: Error) =>
      log.error({ err: error }, 'changed files of http.tls are not taken up: the old certificate stays'),
    onChange: (expiresAtMs: number) => {
      tell(expiresAtMs)
      log.info(`${certificate}: the new certificate is in use`)
    },
  }
  try {
    const files = await TlsFiles.open(options, observer)
    tell(files.expiresAtMs)
    return files
  } catch (error) {
    throw new ConfigError('', 'http.tls', (error as Error).message)
  }
}

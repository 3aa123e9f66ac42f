/**
 * The application log: pino, on stderr; for people on a terminal, else JSON lines. A failure is logged once, where it
 * is decided. Nothing here ever holds a password, a token or a query string.
 */
import { pino } from 'pino'

/** What the rest of entrepot logs through. */
export type Logger = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error'>

/** How to log. */
export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  /** `text` for people, `json` one object a line, `logstash` the same under logstash's field names. */
  readonly formatter: 'text' | 'json' | 'logstash'
  /** Added to every line. */
  readonly fields: Readonly<Record<string, unknown>>
}

const STDERR = 2

/** Opens the log. Writes are synchronous, so that the last line before an exit is not lost. */
export const createLogger = async ({ level, formatter, fields }: LogOptions): Promise<Logger> => {
  const isLogstash = formatter === 'logstash'
  const options: pino.LoggerOptions = {
    level,
    base: isLogstash ? { '@version': '1', ...fields } : fields,
    messageKey: isLogstash ? 'message' : 'msg',
    timestamp: () => `,"${isLogstash ? '@timestamp' : 'time'}":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
  }
  if (formatter !== 'text') return pino(options, pino.destination({ dest: STDERR, sync: true }))
  const { default: pretty } = await import('pino-pretty')
  const stream = pretty({
    destination: STDERR,
    sync: true,
    colorize: process.stderr.isTTY === true,
    translateTime: 'SYS:HH:MM:ss',
    ignore: 'pid,hostname',
  })
  return pino(options, stream)
}

/** A log that nobody reads: the default in tests. */
export const silentLogger: Logger = pino({ level: 'silent' })

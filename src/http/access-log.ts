/**
 * The access log: one line a request in Apache's combined format, on stdout, gathered and written a few times a second so
 * that no request waits for it.
 */
import type { Context } from 'koa'
import { pino } from 'pino'

/** Lines are written when so many bytes (fewer than the stream's own 16 KiB) have come together, or after so many ms. */
const GATHER_BYTES = 8 * 1024
const GATHER_MS = 250
const STDOUT = 1

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const twoDigits = (value: number): string => String(value).padStart(2, '0')

/** A time as Apache writes it, in UTC: `10/Oct/2000:13:55:36 +0000`. */
export const formatApacheTime = (ms: number): string => {
  const at = new Date(ms)
  const time = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map(twoDigits).join(':')
  return `${twoDigits(at.getUTCDate())}/${MONTHS[at.getUTCMonth()]}/${at.getUTCFullYear()}:${time} +0000`
}

/** Text for between quotes: nothing of a client's may end the quote or the line. */
const escapeQuoted = (text: string): string =>
  text.replace(/["\\\p{Cc}]/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)

/** Writes lines; `close` writes what is left. */
export interface AccessLog {
  write(ctx: Context, address: string, account: string, sentBytes: number): void
  close(): void
}

/** The access log on stdout. */
export const createAccessLog = (now: () => number = Date.now): AccessLog => {
  const out = pino.destination({ dest: STDOUT, sync: false, minLength: GATHER_BYTES })
  // A reader that went away (a closed pipe) is no reason to stop serving.
  out.on('error', () => {})
  const timer = setInterval(() => out.flush(), GATHER_MS).unref()
  let second = -1
  let time = ''
  return {
    write(ctx, address, account, sentBytes) {
      const ms = now()
      if (Math.floor(ms / 1000) !== second) {
        second = Math.floor(ms / 1000)
        time = formatApacheTime(ms)
      }
      const { headers, httpVersion } = ctx.req
      const request = escapeQuoted(`${ctx.method} ${ctx.req.url ?? ''} HTTP/${httpVersion}`)
      const referer = escapeQuoted(headers.referer ?? '')
      const agent = escapeQuoted(headers['user-agent'] ?? '')
      const who = account === '' ? '-' : escapeQuoted(account)
      out.write(
        `${address} - ${who} [${time}] "${request}" ${ctx.res.statusCode} ${sentBytes} "${referer}" "${agent}"\n`,
      )
    },
    close() {
      clearInterval(timer)
      out.flushSync()
      out.end()
    },
  }
}

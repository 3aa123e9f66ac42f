/** `log`: what is written where. distribution's section. */
import { anything, flag, oneOf, text } from '../kinds.ts'
import { listOf, mapOf, section } from '../section.ts'

/** The levels of the log, in any case. */
export const logLevel = oneOf('error', 'warn', 'info', 'debug')

/** Section `log`. */
export const log = section({
  level: logLevel.default('info').describe('The least that is logged.'),
  formatter: oneOf('text', 'json', 'logstash')
    .optional()
    .describe('How lines look. Unset: text for people on a terminal, else JSON.'),
  fields: mapOf(anything).default({}).describe('Fields added to every line.'),
  accesslog: section({
    disabled: flag.default(false).describe('Turns the access log (Apache combined, on stdout) off.'),
  })
    .prefault({})
    .describe('The access log.'),
  reportcaller: flag
    .default(false)
    .meta({ description: 'Line of code of each message.', instead: 'each line says what happened to what' }),
  hooks: listOf(
    section({
      disabled: flag.default(false).describe('Turns the hook off.'),
      type: text.optional().describe('`mail`.'),
      levels: listOf(text).default([]).describe('Levels that are mailed.'),
      options: anything.optional().meta({ description: 'How to mail.', env: 'MAILOPTIONS' }),
    }),
  )
    .default([])
    .meta({
      description: 'Mails log lines.',
      instead: 'nothing is mailed: alert on the log, or on the metrics of http.debug.addr',
    }),
})

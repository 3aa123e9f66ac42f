/** The kinds of settings that sections are composed of. What each gives is said in its line. */
import ipaddr from 'ipaddr.js'
import {
  capWait,
  DURATION_FORM,
  formatDuration,
  GO_DURATION_FORM,
  parseDuration,
  parseGoDuration,
} from '../duration.ts'
import { leaf, textLeaf, textOf } from './leaf.ts'
import { AMOUNT_FORM, formatAmount, formatSize, parseAmount, parseSize, SIZE_FORM } from './size.ts'
import { Scalar, type Tree, toValue } from './tree.ts'

/** Text; numbers and booleans are taken as they are written. */
export const text = textLeaf('text', 'text', (value) => value)

/** A path of a file or a folder. */
export const path = textLeaf('path', 'a path', (value) => value)

/** A password, a token or a key: never shown. */
export const secret = textLeaf('secret', 'text', (value) => value, { isSecret: true })

/** `true` or `false`, in any of YAML 1.1's words. */
export const flag = leaf({
  name: 'boolean',
  form: 'true, false',
  read: (node) => {
    if (node instanceof Scalar) return typeof node.value === 'boolean' ? node.value : undefined
    return node === 'true' ? true : node === 'false' ? false : undefined
  },
})

const readInteger = (node: Tree): number | undefined => {
  const value =
    node instanceof Scalar ? node.value : /^[+-]?\d+$/.test(textOf(node) ?? '') ? Number(node) : node
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined
}

/** A whole number within bounds, both inclusive. */
export const integer = (min: number, max: number = Number.MAX_SAFE_INTEGER) =>
  leaf({
    name: 'integer',
    form:
      max === Number.MAX_SAFE_INTEGER
        ? `a whole number, ${min} or more`
        : `a whole number from ${min} to ${max}`,
    read: (node) => {
      const value = readInteger(node)
      return value !== undefined && value >= min && value <= max ? value : undefined
    },
  })

const readGoDuration = (node: Tree): number | undefined => {
  if (node instanceof Scalar && typeof node.value === 'number') return parseGoDuration(node.value)
  return typeof node === 'string' ? parseGoDuration(node) : undefined
}

/** A duration of a key of distribution's, in milliseconds; a bare integer is nanoseconds, and less than 0 counts as 0. */
export const goDuration = leaf({
  name: 'duration',
  form: GO_DURATION_FORM,
  read: (node) => {
    const ms = readGoDuration(node)
    return ms === undefined ? undefined : Math.max(ms, 0)
  },
  format: formatDuration,
})

/** The same, where it is waited for: 24 days at most. */
export const goWait = leaf({
  name: 'duration',
  form: GO_DURATION_FORM,
  read: (node) => {
    const ms = capWait(readGoDuration(node))
    return ms === undefined ? undefined : Math.max(ms, 0)
  },
  format: formatDuration,
})

/** The same, where 0 and less mean the default, as there. */
export const goWaitOr = (defaultMs: number) =>
  leaf({
    name: 'duration',
    form: GO_DURATION_FORM,
    read: (node) => {
      const ms = capWait(readGoDuration(node))
      return ms === undefined || ms > 0 ? ms : defaultMs
    },
    format: formatDuration,
  }).default(defaultMs)

/** A duration of a key of entrepot's own, in milliseconds. */
export const duration = textLeaf('duration', DURATION_FORM, parseDuration, { format: formatDuration })

/** The same, where it is waited for: 24 days at most. */
export const wait = textLeaf('duration', DURATION_FORM, (text) => capWait(parseDuration(text)), {
  format: formatDuration,
})

/** A size in bytes. */
export const size = textLeaf('size', SIZE_FORM, parseSize, { format: formatSize })

/** A size in bytes or a share in per cent. */
export const amount = textLeaf('size or %', AMOUNT_FORM, parseAmount, { format: formatAmount })

/** One of a few words, in any case; given in the case of the list. */
export const oneOf = <const T extends string>(...words: readonly T[]) =>
  textLeaf(words.map((word) => `\`${word}\``).join(', '), words.join(', '), (value) =>
    words.find((word) => word.toLowerCase() === value.toLowerCase()),
  )

const urlLeaf = (change: (url: string) => string) =>
  textLeaf('URL', 'a URL that begins with http:// or https://', (value) => {
    return /^https?:\/\//i.test(value) && URL.canParse(value) ? change(value) : undefined
  })

/** A URL of the web, as it is written. */
export const url = urlLeaf((value) => value)

/** The URL that paths are put behind: without slashes at its end. */
export const baseUrl = urlLeaf((value) => value.replace(/\/+$/, ''))

/** A glob of names: `*` stands for one component, `**` for any number. */
export const glob = textLeaf('glob', 'a glob such as library/* or team/**', (value) =>
  value.trim() === '' ? undefined : value,
)

/** An address or a network of addresses. */
export const network = textLeaf(
  'address or CIDR',
  'an address such as 10.0.0.1, or a network such as 10.0.0.0/8',
  (value) => (isNetwork(value) ? value : undefined),
)

/** Whether `value` is an address or a CIDR. */
export const isNetwork = (value: string): boolean => ipaddr.isValid(value) || ipaddr.isValidCIDR(value)

/** Whatever YAML takes it for. */
export const anything = leaf({ name: 'anything', form: 'anything', read: toValue })

/** A whole number, `min` or more, where 0 and less mean the default, as in distribution. */
export const integerOr = (preset: number, min: number = Number.MIN_SAFE_INTEGER) =>
  leaf({
    name: 'integer',
    form: min === 0 ? 'a whole number, 0 or more' : 'a whole number',
    read: (node) => {
      const value = readInteger(node)
      if (value === undefined || value < min) return undefined
      return value > 0 ? value : preset
    },
  }).default(preset)

/** Platforms as people write them, `linux/arm/v7`, and which entries of an index they mean (image-spec 1.1, Image Index). */
import type { Platform } from './manifest.ts'

const PLATFORM = /^(?<os>[a-z0-9]+)\/(?<architecture>[a-z0-9_]+)(?:\/(?<variant>[a-z0-9.]+))?$/

/** The platform written in `text`, or `undefined` where it is none. */
export const parsePlatform = (text: string): Platform | undefined => {
  const { os, architecture, variant } = PLATFORM.exec(text)?.groups ?? {}
  if (os === undefined || architecture === undefined) return undefined
  return { os, architecture, ...(variant !== undefined && { variant }) }
}

/** `arm64` is `v8` whether or not that is said. */
const variantOf = ({ architecture, variant }: Platform): string | undefined =>
  architecture === 'arm64' && variant === 'v8' ? undefined : variant

/** Whether an entry for `offered` is meant by `wanted`: without a variant any of them, as `linux/arm` for `v6` and `v7`. */
export const isPlatform = (offered: Platform, wanted: Platform): boolean =>
  offered.os === wanted.os &&
  offered.architecture === wanted.architecture &&
  (variantOf(wanted) === undefined || variantOf(offered) === variantOf(wanted))

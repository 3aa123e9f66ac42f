/** Upstreams against each other: whose is which host, which name, which password. */
import { foldHost } from '../../protocol/host.ts'
import { defaultHostOf } from '../upstreams.ts'
import type { Check } from './check.ts'

/** Every host and every name belongs to one upstream. */
export const checkUpstreamNames: Check = (config, { fail }) => {
  const defaultHost = defaultHostOf(config)
  const ownerByName = new Map<string, number>()
  for (const [index, { host, name }] of config.upstreams.entries()) {
    const folded = foldHost(host)
    const isDefault = folded === defaultHost
    if (folded.includes(':') && name === undefined && !isDefault)
      fail(
        ['upstreams', index, 'name'],
        'is missing: a host with a port cannot begin the name of a repository',
      )
    for (const each of new Set(name === undefined ? [folded] : [folded, name])) {
      const owner = ownerByName.get(each)
      const key = each === name ? 'name' : 'host'
      if (owner !== undefined)
        fail(['upstreams', index, key], `${each} is already that of upstreams[${owner}]`)
      if (each === defaultHost && !isDefault)
        fail(['upstreams', index, key], `${each} is that of proxy.remoteurl`)
      ownerByName.set(each, index)
    }
  }
}

/** What an entry says has an effect. */
export const checkUpstreamSettings: Check = (config, { fail }) => {
  const defaultHost = defaultHostOf(config)
  for (const [index, entry] of config.upstreams.entries()) {
    const path = ['upstreams', index]
    if (foldHost(entry.host) === defaultHost && entry.remoteurl !== undefined)
      fail([...path, 'remoteurl'], 'is the default upstream, whose URL is proxy.remoteurl', 'nothing here')
    if (entry.password !== undefined && entry.passwordfile !== undefined)
      fail([...path, 'passwordfile'], 'is set beside password', 'one of the two')
    if ((entry.password ?? entry.passwordfile) !== undefined && entry.username === undefined)
      fail([...path, 'username'], 'is missing beside the password')
    if (entry.share !== undefined && 'percent' in entry.share && config.cache.maxsize === undefined)
      fail(
        [...path, 'share'],
        'is a share of cache.maxsize, which is not set',
        'cache.maxsize beside it, or a size',
      )
  }
}

/** Credentials of the default upstream have an upstream. */
export const checkProxy: Check = ({ proxy }, { warn }) => {
  if (proxy.remoteurl !== undefined) return
  for (const key of ['username', 'password'] as const)
    if (proxy[key] !== undefined) warn(['proxy', key], 'has no effect without proxy.remoteurl')
}

/** Version, storage, authentication, TLS and listeners against each other. */
import { ADDRESS_FORM, parseListenAddress } from '../address.ts'
import { STORAGE_DRIVERS } from '../schema/storage.ts'
import type { Config } from '../schema.ts'
import type { Check, Report } from './check.ts'

const VERSION = '0.1'

/** The one version of the format that there is. */
export const checkVersion: Check = ({ version }, { fail }) => {
  if (version !== VERSION) fail(['version'], `unsupported version ${JSON.stringify(version)}`, VERSION)
}

/** Exactly one storage driver. */
export const checkStorage: Check = ({ storage }, { fail }) => {
  const drivers = STORAGE_DRIVERS.filter((driver) => storage[driver] !== undefined)
  if (drivers.length === 0) fail(['storage'], 'has no storage driver', 'filesystem')
  if (drivers.length < 2) return
  const foreign = drivers.find((driver) => driver !== 'filesystem') ?? ''
  const hint = `one; a variable that adds ${foreign} needs REGISTRY_STORAGE=${foreign} beside it`
  fail(['storage', foreign], `is a second storage driver beside ${drivers[0]}`, hint)
}

/** One kind of authentication, whole; `htpasswd` may give the accounts of the built-in token service. */
export const checkAuth: Check = ({ auth }, { fail }) => {
  if (auth === undefined) return
  const kinds = (['none', 'htpasswd', 'token'] as const).filter((kind) => auth[kind] !== undefined)
  const isBuiltIn = auth.token?.entrepot === true
  if (kinds.length > 1 && !(isBuiltIn && auth.none === undefined)) {
    const second = kinds[1] ?? ''
    fail(
      ['auth', second],
      `is a second kind of authentication beside ${kinds[0]}`,
      'one, or htpasswd with token.entrepot: true',
    )
  }
  if (isBuiltIn && auth.htpasswd === undefined)
    fail(['auth', 'token', 'entrepot'], 'has no accounts', 'auth.htpasswd beside it')
  const { token } = auth
  if (token === undefined) return
  if (isBuiltIn) return checkBuiltIn(token, fail)
  if (token.realm === undefined && !token.autoredirect) fail(['auth', 'token', 'realm'], 'is missing')
  if (token.service === undefined) fail(['auth', 'token', 'service'], 'is missing')
  if (token.issuer === undefined) fail(['auth', 'token', 'issuer'], 'is missing')
  if (token.rootcertbundle === undefined && token.jwks === undefined)
    fail(['auth', 'token'], 'has nothing to verify tokens with', 'rootcertbundle, jwks')
}

type TokenSettings = NonNullable<NonNullable<Config['auth']>['token']>

/** The built-in service has keys of its own, and its realm here. */
const checkBuiltIn = (token: TokenSettings, fail: Report['fail']): void => {
  const { rootcertbundle, jwks, autoredirect, signingalgorithms } = token
  const settings = { rootcertbundle, jwks, autoredirect: autoredirect || undefined }
  const said = Object.entries({ ...settings, signingalgorithms: signingalgorithms[0] })
  for (const [key, value] of said)
    if (value !== undefined)
      fail(['auth', 'token', key], 'means nothing beside entrepot: true', 'realm, service, issuer')
}

/** A certificate has its key. */
export const checkTls: Check = ({ http: { tls } }, { fail, warn }) => {
  if (tls === undefined) return
  if (tls.certificate !== undefined && tls.key === undefined)
    fail(['http', 'tls', 'key'], 'is missing', 'the key of http.tls.certificate')
  if (tls.key !== undefined && tls.certificate === undefined)
    fail(['http', 'tls', 'certificate'], 'is missing', 'the certificate of http.tls.key')
  if (tls.certificate === undefined && tls.clientcas.length > 0)
    fail(['http', 'tls', 'clientcas'], 'needs TLS', 'http.tls.certificate and http.tls.key beside it')
  if (['tls1.0', 'tls1.1'].includes(tls.minimumtls))
    warn(['http', 'tls', 'minimumtls'], `${tls.minimumtls} is broken and not spoken; tls1.2 is the oldest`)
}

/** Listeners have addresses. */
export const checkListeners: Check = ({ http }, { fail }) => {
  if (http.net === 'tcp' && parseListenAddress(http.addr) === undefined)
    fail(['http', 'addr'], `${JSON.stringify(http.addr)} is not allowed`, ADDRESS_FORM)
  if (parseListenAddress(http.debug.addr) === undefined)
    fail(['http', 'debug', 'addr'], `${JSON.stringify(http.debug.addr)} is not allowed`, ADDRESS_FORM)
}

/** `auth`: who asks. distribution's section, and one key of our own in it: `auth.token.entrepot`. */
import { flag, path, text, url } from '../kinds.ts'
import { listOf, section } from '../section.ts'

const htpasswd = section(
  {
    realm: text.describe('Name of what is guarded, in the challenge.'),
    path: path.describe('File of accounts: `user:hash` lines, bcrypt only. Read again when it changes.'),
  },
  { isPresence: true },
)

const token = section(
  {
    realm: url.optional().describe('URL of the authorization service. Needed unless `entrepot` is true.'),
    service: text
      .optional()
      .describe('Name of this registry: audience of tokens. Needed unless `entrepot` is true.'),
    issuer: text.optional().describe('Who signs tokens. Needed unless `entrepot` is true.'),
    rootcertbundle: path.optional().describe('PEM file of the certificates that tokens may be signed with.'),
    jwks: path.optional().describe('JSON Web Key Set file of the keys that tokens may be signed with.'),
    autoredirect: flag.default(false).describe('Makes the realm from the host that the client asked.'),
    autoredirectpath: text.default('/auth/token').describe('Path of the realm with `autoredirect`.'),
    signingalgorithms: listOf(text)
      .default([])
      .describe('Signature algorithms of tokens, such as ES256. None: all that fit the key.'),
    entrepot: flag
      .default(false)
      .describe(
        "entrepot's own: the authorization service is built in, with the accounts of `auth.htpasswd`.",
      ),
  },
  { isPresence: true },
)

/** Section `auth`. */
export const auth = section(
  {
    none: section({}, { isPresence: true }).optional().describe('Everybody is let in.'),
    htpasswd: htpasswd.optional().describe('Accounts in a file.'),
    token: token.optional().describe('Tokens of an authorization service.'),
    silly: section({ realm: text.optional(), service: text.optional() }, { isPresence: true })
      .optional()
      .meta({
        description: 'Lets everybody in who sends an `Authorization` header.',
        refused: 'it guards nothing; use auth.htpasswd or auth.token',
      }),
  },
  { isChoice: true },
)

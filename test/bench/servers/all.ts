/** Everybody who is compared. */
import { direct } from './direct.ts'
import { entrepot } from './entrepot.ts'
import { nginxCache, nginxStatic } from './nginx.ts'
import { node } from './node.ts'
import { distribution, dockerRegistry } from './registries.ts'
import type { Contestant } from './server.ts'

export const contestants: readonly Contestant[] = [
  direct,
  entrepot,
  dockerRegistry,
  distribution,
  nginxCache,
  nginxStatic,
  node,
]

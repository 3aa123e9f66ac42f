/**
 * nginx twice: as a cache in front of the upstream (`proxy_cache`: it verifies nothing, and knows neither tokens nor
 * redirects), and as a server of plain files by sendfile: the practical limit of this machine.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findFreePort } from '../../e2e/support/ports.ts'
import { type Contestant, findExecutable, launch, type ServerOptions } from './server.ts'

const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

const tlsOf = ({ certificate }: ServerOptions): string =>
  certificate === undefined
    ? ''
    : `ssl_certificate ${certificate.certFile}; ssl_certificate_key ${certificate.keyFile};`

/** Everything but what stands in the one location. */
const configOf = (port: number, folder: string, options: ServerOptions, location: string): string => `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes auto;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections 4096; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  default_type application/octet-stream;
  ${TEMPORARY.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  proxy_cache_path ${folder}/cache levels=1:2 keys_zone=content:64m max_size=100g inactive=1d use_temp_path=off;
  server {
    listen 127.0.0.1:${port}${options.certificate === undefined ? '' : ' ssl'};
    ${tlsOf(options)}
    location / { ${location} }
  }
}
`

const FILES = (root: string): string => `root ${root};`

const CACHE = (upstream: string): string => `
      proxy_pass ${upstream};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_cache content;
      proxy_cache_key $request_uri;
      proxy_cache_valid 200 1h;
      proxy_cache_lock on;
      proxy_cache_lock_timeout 1h;
      proxy_cache_lock_age 1h;
      proxy_max_temp_file_size 10240m;`

const find = (): string | undefined => findExecutable('nginx', ['/usr/sbin'])

const contestant = (
  name: 'nginx-cache' | 'nginx-static',
  location: (options: ServerOptions) => string,
): Contestant => ({
  name,
  executable: find,
  start: async (workspace, at, options) => {
    const folder = await workspace.folder(at)
    const port = await findFreePort()
    const configFile = join(folder, 'nginx.conf')
    await writeFile(configFile, configOf(port, folder, options, location(options)))
    const args = ['-c', configFile, '-p', folder, '-e', 'stderr']
    return launch(workspace, folder, { name, command: find() ?? 'nginx', args, port, options })
  },
})

export const nginxCache = contestant('nginx-cache', ({ upstream = '' }) => CACHE(upstream))

export const nginxStatic = contestant('nginx-static', ({ rootDirectory = '' }) => FILES(rootDirectory))

/** docker-compose.yml: that what its services look for is where they look for it. No engine runs it here. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { DEFAULT_FILES, loadConfig } from '../src/config/load.ts'
import { readDashboards, readYaml } from './support/dashboards.ts'
import { ROOT } from './support/project.ts'

interface Service {
  readonly build?: string
  readonly image: string
  readonly command?: readonly string[]
  readonly ports: readonly string[]
  readonly volumes: readonly string[]
  readonly environment?: Readonly<Record<string, string | null>>
}

const { services, volumes } = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8')) as {
  services: Readonly<Record<'entrepot' | 'prometheus' | 'grafana', Service>>
  volumes: Readonly<Record<string, null>>
}
const { entrepot, prometheus, grafana } = services

/** What is mounted in a service: path in it → where it comes from. */
const mountsOf = ({ volumes: all }: Service): ReadonlyMap<string, string> =>
  new Map(all.map((mount) => mount.split(':')).map(([from = '', to = '']) => [to, from]))

/** The file of this project that a service finds under `path`. */
const fileAt = (service: Service, path: string): string => {
  const [to, from] =
    [...mountsOf(service)]
      .filter(([mounted]) => path === mounted || path.startsWith(`${mounted}/`))
      .sort(([a], [b]) => b.length - a.length)[0] ?? assert.fail(`nothing is mounted at ${path}`)
  return join(ROOT, from, path.slice(to.length))
}

describe('docker-compose.yml', () => {
  it('mounts files that there are, and volumes that it declares', () => {
    for (const service of Object.values(services))
      for (const [to, from] of mountsOf(service))
        if (from.startsWith('./')) assert.ok(existsSync(join(ROOT, from)), `${from} at ${to}`)
        else assert.ok(from in volumes, from)
  })

  it('runs the mirror as registry:2 is run: the same port, volume and file', () => {
    assert.equal(entrepot.build, '.')
    assert.deepEqual(entrepot.ports, ['5000:5000'])
    const mounts = mountsOf(entrepot)
    assert.equal(mounts.get('/var/lib/registry'), 'registry')
    const file = [...mounts.keys()].find((path) => DEFAULT_FILES.includes(path)) ?? ''
    const env = Object.fromEntries(
      Object.entries(entrepot.environment ?? {}).flatMap(([key, value]) =>
        value === null ? [] : [[key, value]],
      ),
    )
    const { config, warnings } = loadConfig({ file: fileAt(entrepot, file), env })
    assert.deepEqual(warnings, [])
    assert.equal(config.http.addr, ':5000')
    assert.equal(config.storage.filesystem?.rootdirectory, '/var/lib/registry')
  })

  it('lets Prometheus reach the metrics, and nobody outside', () => {
    const { rule_files, scrape_configs } = readYaml('prometheus', 'prometheus.yml') as {
      rule_files: string[]
      scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[]
    }
    const targets = scrape_configs.flatMap(({ static_configs }) =>
      static_configs.flatMap((each) => each.targets),
    )
    assert.deepEqual(targets, [`entrepot${entrepot.environment?.REGISTRY_HTTP_DEBUG_ADDR}`])
    assert.ok(!entrepot.ports.some((port) => port.includes('5001')))
    const flag = prometheus.command?.find((each) => each.startsWith('--config.file=')) ?? ''
    const file = flag.slice('--config.file='.length)
    for (const path of [file, ...rule_files.map((name) => join(file, '..', name))])
      assert.ok(existsSync(fileAt(prometheus, path)), path)
  })

  it('gives Grafana its data source, its dashboards and its first page', () => {
    const provisioning = fileAt(grafana, '/etc/grafana/provisioning')
    for (const name of ['datasources/prometheus.yml', 'dashboards/entrepot.yml'])
      assert.ok(existsSync(join(provisioning, name)), name)
    const { providers } = readYaml('grafana', 'provisioning', 'dashboards', 'entrepot.yml') as {
      providers: { options: { path: string } }[]
    }
    for (const { options } of providers)
      for (const name of readDashboards().keys())
        assert.ok(existsSync(fileAt(grafana, join(options.path, name))), name)
    assert.ok(
      existsSync(fileAt(grafana, grafana.environment?.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH ?? '')),
    )
    const { datasources } = readYaml('grafana', 'provisioning', 'datasources', 'prometheus.yml') as {
      datasources: { url: string }[]
    }
    for (const { url } of datasources) assert.ok(new URL(url).hostname in services, url)
  })

  it('publishes what shows figures on this machine alone, and names the release of every image', () => {
    for (const { image, ports } of [prometheus, grafana]) {
      for (const port of ports) assert.match(port, /^127\.0\.0\.1:/)
      assert.match(image, /:v?\d+\.\d+\.\d+$/)
    }
  })
})

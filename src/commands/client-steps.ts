/** What `entrepot certs client` says: how the hosts that pull and push come to trust an authority of one's own. Pure. */

/** A registry as its clients know it. */
export interface ClientStepsOptions {
  /** Host, with the port where image names have one. */
  readonly host: string
  /** File of the authority's certificate, on this machine. */
  readonly ca: string
  readonly address?: string | undefined
}

/** The steps, a paragraph for each kind of client; every line that begins with `sudo` can be copied. */
export const clientSteps = ({ host, ca, address }: ClientStepsOptions): string => {
  const name = host.replace(/:\d+$/, '')
  const hosts =
    address === undefined
      ? ''
      : `# where no DNS knows ${name}
echo '${address} ${name}' | sudo tee -a /etc/hosts

`
  return `${hosts}# Docker: read anew with every connection, no restart (the port is part of the folder's name)
sudo mkdir -p /etc/docker/certs.d/${host}
sudo cp ${ca} /etc/docker/certs.d/${host}/ca.crt

# Docker, as a mirror of Docker Hub: {"registry-mirrors": ["https://${host}"]} in /etc/docker/daemon.json;
# with the containerd image store (the default since 29) the authority belongs beside docker.io instead
sudo mkdir -p /etc/docker/certs.d/docker.io
sudo cp ${ca} /etc/docker/certs.d/docker.io/ca.crt

# containerd, with config_path = "/etc/containerd/certs.d": the registry itself
sudo mkdir -p /etc/containerd/certs.d/${host}
sudo cp ${ca} /etc/containerd/certs.d/${host}/ca.crt
printf 'server = "https://${host}"\\n[host."https://${host}"]\\n  ca = "ca.crt"\\n' | sudo tee /etc/containerd/certs.d/${host}/hosts.toml

# podman, CRI-O, skopeo, buildah
sudo mkdir -p /etc/containers/certs.d/${host}
sudo cp ${ca} /etc/containers/certs.d/${host}/ca.crt

# everything else on the host: the system's store, then restart what runs already
sudo cp ${ca} /usr/local/share/ca-certificates/${name}.crt && sudo update-ca-certificates     # Debian, Ubuntu, Alpine
sudo cp ${ca} /etc/pki/ca-trust/source/anchors/${name}.crt && sudo update-ca-trust            # Fedora, RHEL

# then
docker login ${host}
`
}

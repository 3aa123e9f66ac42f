/** What holds where no file is given: the configuration inside the image of distribution (protocol.md §8.1). */

/** That file, as YAML. */
export const IMAGE_CONFIG = `
version: 0.1
log: {fields: {service: registry}}
storage: {cache: {blobdescriptor: inmemory}, filesystem: {rootdirectory: /var/lib/registry}}
http: {addr: ":5000", headers: {X-Content-Type-Options: [nosniff]}}
health: {storagedriver: {enabled: true, interval: 10s, threshold: 3}}
`

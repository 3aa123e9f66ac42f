# The image: the paths, the port and the entry point of registry:2, so that only its name changes in people's files.

FROM node:22-alpine AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM alpine:3.22
RUN apk add --no-cache ca-certificates nodejs tzdata
WORKDIR /
COPY --from=build /build/package.json /usr/lib/entrepot/package.json
COPY --from=build /build/node_modules /usr/lib/entrepot/node_modules
COPY --from=build /build/dist /usr/lib/entrepot/dist
COPY config/image/registry /bin/registry
COPY config/image/entrypoint.sh /entrypoint.sh
COPY config/default.yml /etc/docker/registry/config.yml
# distribution 3.x has its file there: a file mounted over either is the one that is read
RUN mkdir -p /etc/distribution /var/lib/registry \
 && ln -s /etc/docker/registry/config.yml /etc/distribution/config.yml \
 && ln -s /bin/registry /bin/entrepot \
 && ln -s dist/main.js /usr/lib/entrepot/registry \
 && ln -s dist/main.js /usr/lib/entrepot/entrepot

# libuv reads the first before Node starts; the second lets a start as root go on as the owner of the volume
ENV UV_THREADPOOL_SIZE=16 ENTREPOT_AS_OWNER=1 NODE_ENV=production
VOLUME ["/var/lib/registry"]
EXPOSE 5000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/bin/registry", "health"]
ENTRYPOINT ["/entrypoint.sh"]
CMD ["/etc/docker/registry/config.yml"]

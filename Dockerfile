# syntax=docker/dockerfile:1

# Debian's ffmpeg gets security updates; the one from npm is a fallback for laptops and stays unused here.
FROM node:24-bookworm-slim AS modules
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev

FROM node:24-bookworm-slim AS build
# The launcher of child processes is compiled here, against the C library that the image below has, too.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends gcc libc6-dev \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build && npm run build:sandbox

FROM node:24-bookworm-slim
# libgomp1 is what the speech engine runs its threads with.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ffmpeg libgomp1 \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json ./
COPY --from=modules /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/build ./build
COPY pipelines ./pipelines

# The only place that is written to, besides /tmp: the root file system may be read-only.
RUN mkdir /data && chown 1000:1000 /data
VOLUME /data
USER 1000:1000

ENV NODE_ENV=production \
  REELGRAPH_HOST=0.0.0.0 \
  REELGRAPH_PORT=8080 \
  REELGRAPH_DATA_DIR=/data \
  REELGRAPH_SANDBOX=required \
  REELGRAPH_PIPELINES=/app/pipelines
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.REELGRAPH_PORT + '/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]

# Node as the first process gets SIGTERM itself and closes in good order, within 25 seconds by default:
# give it as long (docker run --stop-timeout 30, in Compose stop_grace_period: 30s).
ENTRYPOINT ["node", "dist/main.js"]
CMD ["serve"]

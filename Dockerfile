# The hub as one static program in an image that holds nothing else.
FROM node:20-bookworm-slim AS web
WORKDIR /src/web
# The packages change seldom: a layer of their own.
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci
COPY web ./
RUN npm run build

FROM golang:1.26.8-bookworm AS build
WORKDIR /src
# The modules change seldom: a layer of their own.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=web /src/web/dist/app web/dist/app
RUN CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /out/ ./cmd/cityhub ./deploy/probe
# A folder to copy: a new volume takes over its owner.
RUN mkdir /out/data

FROM scratch
# For mqtts:// and https:// to servers whose certificates the world knows.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/LICENSE /src/THIRD_PARTY_NOTICES /
COPY --from=build /out/cityhub /out/probe /
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
VOLUME /data
ENTRYPOINT ["/cityhub"]
CMD ["serve", "--data", "/data"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/probe", "http://127.0.0.1:9090/readyz"]

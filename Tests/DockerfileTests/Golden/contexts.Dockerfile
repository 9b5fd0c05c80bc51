FROM base AS replaced
RUN never
FROM alpine
COPY --from=replaced /a /
COPY --from=docker.io/library/alpine /b /
FROM replaced
COPY --from=1 / /
# test context replaced
# test context docker.io/library/alpine:latest

FROM base AS Build
FROM BUILD AS test
RUN test
FROM debian:12 AS unused
RUN never
FROM build AS final
COPY --from=Build /a /b
# test target Final

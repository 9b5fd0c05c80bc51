FROM a AS x
COPY --from=y / /
FROM b AS y
RUN --mount=from=x true

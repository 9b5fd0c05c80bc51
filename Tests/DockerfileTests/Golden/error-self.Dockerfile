FROM a AS x
COPY --from=x / /

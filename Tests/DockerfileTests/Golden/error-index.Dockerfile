FROM a
COPY --from=7 / /

FROM a
COPY --from=$x / /

FROM a
COPY --chmod=99999 a /

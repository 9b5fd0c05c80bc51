FROM a
RUN --mount=type=secret y

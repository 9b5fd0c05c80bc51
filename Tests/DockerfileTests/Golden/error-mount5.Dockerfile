FROM a
RUN --mount=type=bind,tgt=/x y

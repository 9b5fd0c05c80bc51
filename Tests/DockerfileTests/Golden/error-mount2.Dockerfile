FROM a
RUN --mount=type=bind,target=/x,mode=1 y

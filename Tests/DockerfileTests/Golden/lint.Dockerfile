# check=experimental=all
ARG NOPE
# wrong comment
FROM base:${NOPE} AS Upper
MAINTAINER me
FROM --platform=linux/amd64 base as context
ENV API_KEY=x PUBLIC_KEY=y
ENV old value
ARG token
WORKDIR rel
CMD a
CMD b
entrypoint c
# check=skip=UndefinedVar
LABEL a=$skipped
LABEL a=$BASSE
COPY secret.txt ./ok /
ADD dir/ /
EXPOSE 80/TCP 1.2.3.4:80:80
RUN a \

  b
HEALTHCHECK CMD x
HEALTHCHECK NONE
FROM --platform=$TARGETPLATFORM ${UNDECLARED:-base} AS upper
FROM upper AS Mixed
LABEL legacy value
# test ignore secret*
# test ignore dir

FROM stackctl-test/busybox AS base
ARG GREETING
RUN echo "$GREETING" > /greeting.txt

FROM base AS final
CMD ["cat", "/greeting.txt"]

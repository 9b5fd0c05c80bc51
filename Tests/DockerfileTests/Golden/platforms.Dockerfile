ARG P=linux/arm64
FROM --platform=$BUILDPLATFORM base AS build
FROM --platform=${P} base AS other
FROM --platform=$TARGETPLATFORM base AS redundant
FROM --platform=linux/arm/v7 base
FROM build AS child
COPY --from=other /a /
COPY --from=redundant /a /
COPY --from=3 /a /
# test platform linux/arm64

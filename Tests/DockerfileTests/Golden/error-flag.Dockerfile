FROM a
COPY --form=b c d
RUN --mounts=x y
COPY --link=maybe a b
COPY --from a b
ADD --chmod= --chmod=1 a b

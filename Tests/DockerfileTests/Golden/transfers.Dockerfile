FROM base AS a
FROM base AS B
FROM scratch
COPY --from=0 /x /
COPY --from=b --link --chown=app:app --chmod=755 /y* /z/
COPY --from=busybox:lab /bin/busybox /bin/
COPY --from=files conf /
COPY --parents --exclude=*.md --exclude=**/$X ./src/./a/*.c /dst/
COPY --link=false . .
ADD --keep-git-dir=true https://github.com/a/b.git#v1:dir /src
ADD git@github.com:a/b.git /src2
ADD --unpack=true https://example.com/a.tar.gz /t
ADD --unpack=false rootfs.tar.xz /u
ADD rootfs.tar /
# test context files

FROM scratch AS files
FROM base AS parent
ONBUILD ARG V=1
ONBUILD COPY --from=files /a$V /
ONBUILD RUN echo $V && \
    echo b
FROM parent AS child
RUN after
FROM child AS grandchild
RUN more
FROM base
RUN last
COPY --from=grandchild /x /
# test onbuild ENV FROM_BASE=1
# test onbuild COPY --from=files . /app
# test onbuild RUN <<EOF\necho heredoc\nEOF

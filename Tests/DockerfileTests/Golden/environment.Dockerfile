FROM base
ENV abc=hello
ENV abc=bye def=$abc
ENV ghi=$abc
ENV legacy  a value with   spaces $abc
ENV quoted="a \"b\" $abc" single='$abc' esc=a\ b\$abc empty= dollar=$
ENV PATH=/opt/bin:$PATH
LABEL a=$abc "b c"="d e" multi="line \
two" org.x.y=1
LABEL old $abc
USER ${USERNAME:-nobody}:$abc
WORKDIR /a/$abc
WORKDIR b/../c
WORKDIR ./d/
EXPOSE $PORT 80 443/UDP 8000-8003/tcp 127.0.0.1:90:91 ${abc:+7}
STOPSIGNAL ${SIG:-SIGINT}
VOLUME $abc /v/${abc}
COPY --chown=$abc:$abc --chmod=${MODE:-u=rwX,go-w} $abc* ${abc}/x /dst-$abc/
ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.com/$abc.txt /
MAINTAINER $abc <a@b>
RUN echo $abc '$abc'
CMD echo $abc
# test env PORT=8080

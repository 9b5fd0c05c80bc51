# syntax=docker/dockerfile:1
# escape=`
# check=skip=JSONArgsRecommended
# not a directive any more
# escape=\
FROM base
ENV P=C:\tmp Q="a`"b"
RUN echo one `
    two `
    `
    three
CMD echo `$Q

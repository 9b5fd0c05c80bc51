# check=skip=JSONArgsRecommended;error=true
FROM scratch
CMD a
MAINTAINER x

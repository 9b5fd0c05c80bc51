FROM busybox:lab
ONBUILD ARG NAME=someone
ONBUILD ENV WHO=$NAME
ONBUILD WORKDIR /app
ONBUILD COPY . .
ONBUILD RUN echo "$WHO" > /log && \
    ls >> /log
ONBUILD USER app
RUN echo parent > /parent

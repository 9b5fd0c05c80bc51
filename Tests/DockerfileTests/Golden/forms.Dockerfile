FROM base
RUN ["/bin/echo", "a b", "\u00e9"]
RUN [ "not json ]
RUN ['single']
RUN
CMD ["a", "b"]
CMD []
ENTRYPOINT ["/run", "it"]
ENTRYPOINT exec top -b
SHELL ["/bin/bash", "-eo", "pipefail", "-c"]
RUN echo $0
ENTRYPOINT exec top -b
CMD exec a "b c"
VOLUME ["/data one", "/two"]
VOLUME /three /two
COPY ["a b", "c", "/dst dir/"]
HEALTHCHECK --interval=1m30s --timeout=3s --start-period=500ms --start-interval=2s --retries=4 CMD ["curl", "-f", "x"]
HEALTHCHECK NONE
HEALTHCHECK CMD curl -f http://localhost/ || exit 1

FROM base AS a
CMD ["mine"]
FROM base AS b
ENTRYPOINT ["/new"]
FROM base AS c
CMD ["kept"]
ENTRYPOINT ["/new"]
FROM c AS d
ENTRYPOINT ["/other"]
FROM scratch
COPY --from=a x /
COPY --from=b x /
COPY --from=d x /
# test entrypoint /old
# test command old
# test workdir /srv

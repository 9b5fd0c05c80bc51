FROM busybox:lab
ENTRYPOINT ["/old"]
CMD ["old", "arguments"]
ENV FROM_PARENT=1
WORKDIR /parent
USER app
LABEL parent=yes

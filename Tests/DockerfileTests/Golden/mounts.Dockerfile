FROM base AS tools
FROM base
ENV CACHE=/c ID=one
WORKDIR /w
RUN --mount=target=. ls
RUN --mount=type=bind,from=tools,source=/bin/../lib,target=/t,rw ls
RUN --mount=type=bind,from=busybox:lab,src=bin,dst=b,readwrite=true ls
RUN --mount=type=cache,target=$CACHE/x,id=$ID,sharing=LOCKED,mode=0700,uid=1000,gid=100 ls
RUN --mount=type=cache,target=rel,sharing=private,from=tools,source=/seed,ro ls
RUN --mount=type=tmpfs,target=/tmp,size=64m ls
RUN --mount=type=secret,id=tok ls
RUN --mount=type=secret,id=tok,target=/x,required,mode=0444,uid=1 ls
RUN --mount=type=secret,id=tok,env=TOKEN echo $TOKEN
RUN --mount=type=secret,target=/run/y,env= echo
RUN --mount=type=secret,source=src ls
RUN --mount=type=ssh ls
RUN --mount=type=ssh,id=git,target=/s,required=true,mode=0600 --mount=type=ssh ls
RUN --mount='type=bind,"source=a,b",target=/q' ls
RUN --network=none --security=insecure --device=vendor.com/gpu=0,required ls
# test arg BUILDKIT_CACHE_MOUNT_NS=ns
